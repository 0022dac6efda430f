"""What a join found in one source: records that count and records that do not, each counted and named."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class NearKeys:
    """Keys of records that no application has but in another notation; they are not matched.

    Attributes:
        n_records: with such a key.
        record_key: an example.
        owner_key: the application's key that it would be.
        how: what differs, in words.
    """

    n_records: int
    record_key: str
    owner_key: str
    how: str


@dataclass(frozen=True)
class SourceReport:
    """What became of the records of one source.

    Attributes:
        source: its name.
        location: where its records lie; "" where none is given.
        through: the source whose records its keys point to; "" for the applications.
        n_read: records read.
        n_rejected: of these, records that break the contract.
        first_rejects: row, column, rule and message of the first of them.
        n_copies: exact copies of a record of the same id, which count once.
        n_versions: further records of an id that differ; the latest that was known at the decision counts.
        version_id: an id that has such.
        n_orphans: records whose key no application (or no record of the source that it goes through) has.
        orphan_keys: examples, with their row.
        near_keys: orphans whose key differs from one in notation alone; None without.
        n_undated: records without a date, which count for no application.
        undated_row: the first of them; 0 without any.
        n_before: pairs of an application and a dated record of it that was known at the decision.
        n_late: pairs in which the record is dated on or after the decision; they are left out.
        late_row: the first such record; 0 without any.
        n_in_lag: pairs in which it is dated before the decision, but less than the lag.
        n_applications: rows of applications.
        n_keyless: applications without a key.
        n_without_date: applications without a decision date, for which no dated record is known.
        n_without_record: applications without a record that was known.
    """

    source: str
    location: str
    through: str
    n_read: int
    n_rejected: int
    first_rejects: tuple[tuple[int, str, str, str], ...]
    n_copies: int
    n_versions: int
    version_id: str
    n_orphans: int
    orphan_keys: tuple[tuple[str, int], ...]
    near_keys: NearKeys | None
    n_undated: int
    undated_row: int
    n_before: int
    n_late: int
    late_row: int
    n_in_lag: int
    n_applications: int
    n_keyless: int
    n_without_date: int
    n_without_record: int

    @property
    def is_given(self) -> bool:
        """Whether its records are given."""
        return bool(self.location)

    @property
    def owner(self) -> str:
        """Whose records they are, in words."""
        return f"any record of {self.through!r}" if self.through else "any application"

    @property
    def has_match(self) -> bool:
        """Whether any record has the key of an application."""
        return self.n_rejected + self.n_copies + self.n_orphans < self.n_read

    @property
    def is_doubtful(self) -> bool:
        """Whether its records do not reach the applications: it is not given, its keys are written in another way, or
        no record was known at the decision of any of them.
        """
        unreached = bool(self.n_applications) and self.n_without_record == self.n_applications
        return not self.is_given or self.near_keys is not None or unreached

    @property
    def findings(self) -> tuple[str, ...]:
        """A sentence for each thing that is not as it should be: how often, where, and what to do."""
        return tuple(f"{self.source}: {text}" for text in self._findings())

    def _findings(self) -> Iterator[str]:
        if not self.is_given:
            yield "not given; every application counts as one without a record. Give it with --source"
            return
        if not self.n_read:
            yield f"{self.location} has no record; every application counts as one without any. Check the file"
        yield from self._of_records()
        yield from self._of_keys()
        yield from self._of_dates()
        if self.n_read and self.n_applications and self.n_without_record == self.n_applications:
            yield "no application has a record that was known at its decision. Check key and dates"

    def _of_records(self) -> Iterator[str]:
        if self.n_rejected:
            row, column, rule, message = self.first_rejects[0]
            place = f"row {row:,}" + (f", column {column!r}" if column else "")
            yield (
                f"{self.n_rejected:,} of {self.n_read:,} records are rejected and count for nothing; the first: "
                f"{place}, rule {rule}: {message}"
            )
        if self.n_copies:
            yield f"{self.n_copies:,} records are exact copies of another of their id and count once. Drop them"
        if self.n_versions:
            yield (
                f"{self.n_versions:,} records differ from another of their id, such as {self.version_id!r}; the latest "
                "that was known at the decision counts, of those of one day the greatest. Keep one record per id, or "
                "correct the ids"
            )

    def _of_keys(self) -> Iterator[str]:
        if self.n_orphans:
            keys = ", ".join(f"{key!r} (row {row:,})" for key, row in self.orphan_keys)
            yield f"{self.n_orphans:,} records have a key that is none of {self.owner}, such as {keys}. Check the key"
        if self.near_keys:
            near = self.near_keys
            yield (
                f"{near.n_records:,} of these keys differ from one in {near.how} alone, as {near.record_key!r} does "
                f"from {near.owner_key!r}; they are not matched. Write keys alike in both tables"
            )
        if self.n_keyless:
            yield f"{self.n_keyless:,} of {self.n_applications:,} applications have no key. Fill it in"

    def _of_dates(self) -> Iterator[str]:
        if self.n_undated:
            yield (
                f"{self.n_undated:,} records have no date and count for nothing, as in row "
                f"{self.undated_row:,}. Fill it in"
            )
        if self.n_late:
            yield (
                f"{self.n_late:,} records are dated on or after the decision and are left out, as in row "
                f"{self.late_row:,}; {self.n_before:,} before it count. Nothing is to be done where the file is "
                "meant to go on after decisions"
            )
        if self.n_in_lag:
            yield f"{self.n_in_lag:,} records lie within the lag before the decision and are left out, as declared"
        if self.n_without_date:
            yield (
                f"{self.n_without_date:,} of {self.n_applications:,} applications have no decision date, so that no "
                "dated record counts for them. Fill it in"
            )
