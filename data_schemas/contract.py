"""The data contract: what a table of applications must look like and what each column is for.

One schema file per data set, in Frictionless Table Schema (v2) form with a namespaced ``creditfusion`` object for what
that standard lacks. Everything that depends on a column's meaning reads it from here: validation, encoding, monotone
constraints, reason wordings. This module holds the contract as a whole, ``data_schemas.fields`` its columns;
``data_schemas.reader`` makes both from a file.
"""

from __future__ import annotations

from dataclasses import dataclass

from data_schemas.concepts import Concept
from data_schemas.fields import Derived, Field, Role
from data_schemas.numbers import Threshold
from data_schemas.sources import ZERO_WITHOUT_RECORDS, Aggregate, AsOf, IfAbsent, Link, RecordTexts
from data_schemas.statements import Contradiction, StatedColumn


@dataclass(frozen=True)
class StripRule:
    """Text that is cut from every narrative before it is read.

    Attributes:
        pattern: regular expression.
        why: for whoever reads the schema.
    """

    pattern: str
    why: str


@dataclass(frozen=True)
class Dialect:
    """How the files of a data set are written, where they do not show it themselves; None: they do.

    Attributes:
        encoding: of text, as Python names it.
        delimiter: between the cells of CSV.
        sheet: of a workbook.
    """

    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None


@dataclass(frozen=True)
class Source:
    """A further table whose records belong to applications: bureau accounts, transactions, call notes.

    Attributes:
        contract: of its records; the id, where there is one, names a record. It has no target.
        link: how a record is tied to its application.
        as_of: which records were known at the decision.
        if_absent: what becomes of applications where the source is not given.
        aggregates: values that are made of the records.
        texts: narratives that are made of them.
        wording: what reasons from this source begin with, such as "From your credit bureau record".
    """

    contract: Schema
    link: Link
    as_of: AsOf
    if_absent: IfAbsent
    aggregates: tuple[Aggregate, ...]
    texts: tuple[RecordTexts, ...]
    wording: str

    @property
    def name(self) -> str:
        """Of the source, as the commands' ``--source`` names it."""
        return self.contract.name

    @property
    def title(self) -> str:
        """For reports."""
        return self.contract.title

    @property
    def zeros(self) -> frozenset[str]:
        """Names of the aggregates that are 0, not missing, for an application without any record."""
        return frozenset(one.name for one in self.aggregates if one.kind in ZERO_WITHOUT_RECORDS)


@dataclass(frozen=True)
class Schema:
    """The contract of one data set.

    Attributes:
        name: short, of the data set.
        title: for reports.
        fields: the table's own columns in file order, then what is made of the records of each source, then what is
            made of the statements of narratives.
        derived: derived features, in the order of their declaration.
        bad_values: target cells that count as bad (1); none where ``bad_if`` says which numbers do.
        good_values: those that count as good (0); empty means every other non-missing value.
        undecided_values: those of applications that have no outcome yet; "" for an empty cell. Their rows are counted
            and left out where an outcome is needed.
        strip: what is cut from narratives.
        concepts: in the order of the file.
        digest: sha256 of the schema's canonical JSON.
        source: the schema as JSON text, complete in itself, for bundles.
        dialect: how files are written that do not show it.
        sources: further tables, each after the one that it goes through.
        bad_if: of a target of numbers, those that count as bad; all others count as good.
        facts: how the columns are made that narratives state, in their order.
        contradictions: what narratives must agree with.
    """

    name: str
    title: str
    fields: tuple[Field, ...]
    derived: tuple[Derived, ...]
    bad_values: tuple[str, ...]
    good_values: tuple[str, ...]
    undecided_values: tuple[str, ...]
    strip: tuple[StripRule, ...]
    concepts: tuple[Concept, ...]
    digest: str
    source: str
    dialect: Dialect = Dialect()
    sources: tuple[Source, ...] = ()
    bad_if: Threshold | None = None
    facts: tuple[StatedColumn, ...] = ()
    contradictions: tuple[Contradiction, ...] = ()

    @property
    def own_fields(self) -> tuple[Field, ...]:
        """The table's own columns, in file order."""
        return tuple(field for field in self.fields if not field.source and not field.narrative)

    def fields_from(self, source: str) -> tuple[Field, ...]:
        """What is made of the records of a source, aggregates before narratives."""
        return tuple(field for field in self.fields if field.source == source)

    def sources_of(self, name: str) -> tuple[str, ...]:
        """Names of the sources of which a column or derived feature is made, in their order, be it through a narrative;
        none for what the table itself gives. Raises KeyError for a name that is neither.
        """
        derived = next((one for one in self.derived if one.name == name), None)
        if derived is not None:
            found = {one for part in derived.of for one in self.sources_of(part)}
        else:
            found = {self[self[name].narrative or name].source}
        return tuple(one.name for one in self.sources if one.name in found)

    def fields_of(self, *roles: Role) -> tuple[Field, ...]:
        """Fields with one of these roles, in file order."""
        return tuple(field for field in self.fields if field.role in roles)

    def field_of(self, role: Role) -> Field | None:
        """The one field of a role that occurs at most once (id, target, decision_date, group); None without one."""
        found = self.fields_of(role)
        return found[0] if found else None

    @property
    def bureau_score(self) -> Field | None:
        """The feature that holds a credit bureau's score; None without one."""
        return next((field for field in self.features if field.bureau_score is not None), None)

    @property
    def id(self) -> Field:
        """The id column; the reader guarantees that there is exactly one."""
        return self.fields_of(Role.ID)[0]

    @property
    def features(self) -> tuple[Field, ...]:
        """Structured inputs of the model, in file order."""
        return self.fields_of(Role.FEATURE)

    @property
    def narratives(self) -> tuple[Field, ...]:
        """Free-text inputs of the model, in file order."""
        return self.fields_of(Role.NARRATIVE)

    def __getitem__(self, name: str) -> Field:
        """The field of that name; raises KeyError."""
        for field in self.fields:
            if field.name == name:
                return field
        raise KeyError(name)
