"""What a run keeps until all of it is complete: its plan, and the parts of every file that are answered.

``OUT.parts/`` holds ``plan.json``, what the rows depend on and how files are cut, and for each input file, bound to the
digest of its bytes, the parts (``part``), ``read.json`` once the file was read to its end, and ``done.json`` once its
scored file and its rejects have their final names. Every one of them appears whole and never changes, so that
whichever process dies at whatever moment leaves a folder that is true, and a run that is started again goes on with
what is missing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from data_schemas.errors import ContractError, RunError
from experiments.score.parts.part import REMEDY, Manifest, RowRange, Unpacked, manifest_of, unpacked
from experiments.score.parts.store import Store, is_file, open_store
from experiments.score.resumable_output import Tally, check_identity

PLAN, READ, DONE, LOCK = "plan.json", "read.json", "done.json", "lock"
PUBLISHING, SOURCES = "publishing.json", "sources.parquet"


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


Record = TypeVar("Record", bound=_Record)


class Plan(_Record):
    """What a run does.

    Attributes:
        identity: All that the rows depend on beside the files, by name.
        part_rows: Rows of a part, at most; a run that is resumed cuts files as it did at first.
        files: Names of all files.
        replaces: Whether the run was begun with --force, so that it replaces finished files of others.
    """

    identity: Mapping[str, str]
    part_rows: int
    files: tuple[str, ...]
    replaces: bool = False

    @property
    def digest(self) -> str:
        """Names the plan: a worker that outlived another run writes elsewhere."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:12]


class FileRead(_Record):
    """What was found when a file was read to its end.

    Attributes:
        name: Of the file.
        input_sha256: Of its bytes.
        n_rows: Data rows.
        n_left_out: Lines of text before and behind the table.
        findings: What is unusual in how it is laid out, in words.
    """

    name: str
    input_sha256: str
    n_rows: int
    n_left_out: int = 0
    findings: tuple[str, ...] = ()


class FileDone(_Record):
    """What became of a file that has its final names.

    Attributes:
        read: The file.
        tally: Counts over all its rows.
    """

    read: FileRead
    tally: Tally


@dataclass(frozen=True)
class Work:
    """The parts of a run.

    Attributes:
        address: Of the store that holds them.
        plan: Its digest.
    """

    address: str
    plan: str

    @property
    def store(self) -> Store:
        """The store, opened."""
        return open_store(self.address)

    def _folder(self, name: str) -> str:
        return f"{self.plan}/{name}"

    def _parts(self, name: str, input_sha256: str) -> str:
        return f"{self._folder(name)}/{input_sha256[:16]}"

    def committed(self, name: str, input_sha256: str) -> list[RowRange]:
        """The rows of a file that are answered, in order."""
        names = self.store.names(self._parts(name, input_sha256))
        return sorted(filter(None, (RowRange.of_name(one.rpartition("/")[2]) for one in names)))

    def commit(self, name: str, input_sha256: str, rows: RowRange, content: bytes) -> bool:
        """Make a part visible; False where another worker was first, whose part stays."""
        return self.store.put_new(f"{self._parts(name, input_sha256)}/{rows.name}", content)

    def manifest(self, read: FileRead, rows: RowRange) -> Manifest:
        """What a committed part says of itself; raises RunError where it is damaged or another file's."""
        path = f"{self._parts(read.name, read.input_sha256)}/{rows.name}"
        with self.store.open(path) as stream:
            manifest = manifest_of(stream.readline(), f"{self.address}/{path}")
        return _checked(manifest, read, rows, f"{self.address}/{path}")

    def part(self, read: FileRead, rows: RowRange) -> Unpacked:
        """A committed part; raises as ``manifest``."""
        path = f"{self._parts(read.name, read.input_sha256)}/{rows.name}"
        with self.store.open(path) as stream:
            found = unpacked(stream.read(), f"{self.address}/{path}")
        _checked(found.manifest, read, rows, f"{self.address}/{path}")
        return found

    def mark_read(self, read: FileRead) -> None:
        """Keep what was found of a file, so that it need not be read again."""
        self.store.put_new(f"{self._parts(read.name, read.input_sha256)}/{READ}", read.model_dump_json().encode())

    def read(self, name: str, input_sha256: str) -> FileRead | None:
        """What was found of a file of these bytes; None where it was never read to its end."""
        return self._record(f"{self._parts(name, input_sha256)}/{READ}", FileRead)

    def mark_done(self, done: FileDone) -> None:
        """Keep that a file has its final names, then remove its parts, which lie there now."""
        name = done.read.name
        self.store.put_new(f"{self._folder(name)}/{DONE}", done.model_dump_json().encode())
        for rows in self.committed(name, done.read.input_sha256):
            self.store.remove(f"{self._parts(name, done.read.input_sha256)}/{rows.name}")

    def done(self, name: str) -> FileDone | None:
        """What became of a file; None until it has its final names."""
        return self._record(f"{self._folder(name)}/{DONE}", FileDone)

    def mark_publishing(self) -> None:
        """Keep that from now on files get their final names."""
        self.store.put_new(f"{self.plan}/{PUBLISHING}", b"{}")

    @property
    def is_publishing(self) -> bool:
        """Whether files of this run may have final names, those that are not done among them."""
        return is_file(f"{self.address}/{self.plan}/{PUBLISHING}")

    def sources(self, name: str) -> str:
        """Name of the object that holds what is made of a file's further sources."""
        return f"{self._folder(name)}/{SOURCES}"

    def _record(self, path: str, kind: type[Record]) -> Record | None:
        return _record(self.store, path, kind)


def _record(store: Store, path: str, kind: type[Record]) -> Record | None:
    try:
        with store.open(path) as stream:
            return kind.model_validate_json(stream.read())
    except FileNotFoundError:
        return None
    except ValidationError as error:
        raise ContractError(f"{store.address}/{path} cannot be read", REMEDY) from error


def _checked(manifest: Manifest, read: FileRead, rows: RowRange, where: str) -> Manifest:
    """The manifest; raises RunError where it is not that of the part, or its counts do not add up."""
    tally = manifest.tally
    adds_up = tally.rows == len(rows) == tally.scored + sum(tally.rejected.values())
    if manifest.rows != rows or manifest.input_sha256 != read.input_sha256 or not adds_up:
        raise RunError(f"{where} is not what its name says, or its counts do not add up", REMEDY)
    return manifest


def begin(address: str, plan: Plan, *, resume: bool, force: bool) -> tuple[Work, Plan]:
    """The work of a plan, begun, or with ``resume`` that of an earlier run with its own plan.

    ``force`` throws away what an earlier run left. Raises ContractError when an earlier run is in the way, or is
    another one than is resumed.
    """
    store = open_store(address)
    earlier = unfinished(address)
    if earlier is not None and not force:
        if not resume:
            what = f"an earlier run left {address} unfinished"
            raise ContractError(what, "Carry it on with --resume, or start again with --force.")
        check_identity(address, {**earlier.identity, **_files(earlier)}, {**plan.identity, **_files(plan)})
        return Work(address, earlier.digest), earlier
    _remove_all(store)
    store.put_new(PLAN, plan.model_dump_json().encode())
    return Work(address, plan.digest), plan


def unfinished(address: str) -> Plan | None:
    """The plan of an unfinished run; None without one."""
    return _record(open_store(address), PLAN, Plan)


def _files(plan: Plan) -> Mapping[str, str]:
    return {"files": hashlib.sha256("\n".join(plan.files).encode()).hexdigest()[:12] + f" ({len(plan.files)})"}


def _remove_all(store: Store) -> None:
    """Remove the plan first: without one nothing else is looked at."""
    store.remove(PLAN)
    for name in store.names():
        if name != LOCK:
            store.remove(name)


def finish(address: str) -> None:
    """Remove all that was kept of a run whose files all have their final names."""
    store = open_store(address)
    store.remove(PLAN)
    store.clear()


def check_whole(read: FileRead, parts: Iterable[RowRange], file: str) -> None:
    """Raise RunError unless the parts hold each row of the file once."""
    row = 0
    for rows in sorted(parts):
        if rows.first != row + 1:
            what = f"rows {row + 1:,} to {rows.first - 1:,}" if rows.first > row + 1 else f"row {rows.first:,}"
            how = "in no part" if rows.first > row + 1 else "in two parts"
            raise RunError(f"{file}: {what} of {read.n_rows:,}: {how}", REMEDY)
        row = rows.last
    if row != read.n_rows:
        raise RunError(f"{file} has {read.n_rows:,} rows, and its parts end at row {row:,}", REMEDY)


def added(tallies: Sequence[Tally]) -> Tally:
    """Counts over several parts or files."""
    return sum(tallies, Tally())
