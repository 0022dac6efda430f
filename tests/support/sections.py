"""What a section of a document holds, by key."""

from __future__ import annotations

from experiments.reporting.document import Finding, Section, Table


def findings(section: Section) -> dict[str, Finding]:
    """Its findings."""
    return {finding.key: finding for finding in section.findings}


def tables(section: Section) -> dict[str, Table]:
    """Its tables."""
    return {table.key: table for table in section.tables}


def drawings(section: Section) -> dict[str, str]:
    """The SVG of its plots that are drawn."""
    return {plot.key: plot.drawing for plot in section.plots if plot.drawing}
