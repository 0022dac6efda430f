"""Decisions as a service logs them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from experiments.serve.decision_log import Decision


def decision(name: str | None = "a", **changes: Any) -> Decision:
    """A decision of a champion."""
    plain = Decision(
        time="2026-03-09T12:00:00.000+00:00",
        id=name,
        model="0123456789ab",
        route="champion",
        experiment="",
        share=0.0,
        inputs="00",
        pd=0.1,
        score=600.0,
        decision="approve",
        refer_reason="",
        reasons=("DTI", "TERM"),
        rejected="",
        ms=1.5,
    )
    return replace(plain, **changes)
