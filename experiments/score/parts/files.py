"""The files of a run: one, or all of a folder, each with the names of its scored file and of its rejects."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from data_schemas.errors import ContractError, RunError
from experiments.score.parts.addresses import address
from experiments.score.parts.store import FolderStore, Store, is_folder, open_store
from experiments.score.resumable_output import SUFFIXES, check_suffix

REJECTS = ".rejects.csv"
WORK = ".parts"


@dataclass(frozen=True)
class Place:
    """A file in a store.

    Attributes:
        root: The store's address.
        name: The file's name there.
    """

    root: str
    name: str

    @property
    def store(self) -> Store:
        """The store, opened."""
        return open_store(self.root)

    def __str__(self) -> str:
        return f"{self.root}/{self.name}"


@dataclass(frozen=True)
class FileToScore:
    """A file to be scored.

    Attributes:
        name: Tells it apart from the other files of the run: its path in the folder, or its name.
        data: The applications.
        out: The scored rows.
        rejects: The rows that break the contract.
    """

    name: str
    data: Place
    out: Place
    rejects: Place

    @contextmanager
    def fetched(self) -> Iterator[Path]:
        """The applications as a local file, while the context is open; raises RunError where there are none."""
        try:
            with self.data.store.fetched(self.data.name) as path:
                yield path
        except FileNotFoundError as error:
            raise RunError(f"{self.data} does not exist", "Check the path.") from error


@dataclass(frozen=True)
class FilesToScore:
    """What a run reads and writes.

    Attributes:
        files: In order.
        work: Address of the store that holds the parts until all is complete.
    """

    files: tuple[FileToScore, ...]
    work: str

    @property
    def are_local(self) -> bool:
        """Whether all applications are files of this machine."""
        return not any("://" in file.data.root for file in self.files)

    @property
    def shown(self) -> Mapping[str, object]:
        """What a summary names of them: the rejects of one, or how many they are."""
        return {"rejects": self.files[0].rejects} if len(self.files) == 1 else {"files": len(self.files)}

    @property
    def paths(self) -> tuple[Path, ...]:
        """The applications, where they are files of this machine."""
        return tuple(Path(str(file.data)) for file in self.files) if self.are_local else ()


def files_to_score(data: Path, out: Path, rejects: Path | None) -> FilesToScore:
    """The files that options name: each NAME of a folder is scored into NAME of the folder ``out``.

    Raises ContractError for files of another form, an empty folder or paths in each other's way, RunError where there
    is no ``data``.
    """
    source, target = address(data), address(out)
    if not is_folder(source):
        return _one_file(source, target, address(rejects) if rejects is not None else f"{target}{REJECTS}")
    if rejects is not None:
        what = "--rejects names one file, and --data is a folder"
        raise ContractError(what, f"Leave it out: the rejects of NAME are written to {out}/NAME{REJECTS}.")
    _check_apart(source, target)
    names = [name for name in open_store(source).names() if not _is_hidden(name)]
    _check_names(source, names)
    _check_regular(open_store(source), names)
    files = [FileToScore(name, *(Place(root, one) for root, one in _places(source, target, name))) for name in names]
    return FilesToScore(tuple(files), f"{target}{WORK}")


def _places(source: str, target: str, name: str) -> Sequence[tuple[str, str]]:
    return (source, name), (target, name), (target, f"{name}{REJECTS}")


def _one_file(source: str, target: str, rejects: str) -> FilesToScore:
    check_suffix(target, "--out")
    check_suffix(rejects, "--rejects")
    if len({source, target, rejects}) < 3:
        raise ContractError("--data, --out and --rejects name the same file twice", "Give three different paths.")
    if ("://" in target) != ("://" in rejects):
        raise ContractError("--out and --rejects lie in different stores", "Keep both in one.")
    data = _place(source)
    _check_regular(data.store, [data.name])
    return FilesToScore((FileToScore(data.name, data, _place(target), _place(rejects)),), f"{target}{WORK}")


def _place(named: str) -> Place:
    root, _, name = named.rpartition("/")
    return Place(root or "/", name)


def _is_hidden(name: str) -> bool:
    """Whether it is no data by its name, such as ``_SUCCESS``, which Spark leaves beside its files."""
    return any(part.startswith((".", "_")) for part in PurePosixPath(name).parts)


def _check_names(source: str, names: Sequence[str]) -> None:
    if not names:
        raise ContractError(f"the folder {source} holds no files", "Put applications into it, or name another.")
    if others := [name for name in names if not name.endswith(SUFFIXES)]:
        what = f"{source}/{others[0]} is neither CSV, gzipped CSV nor Parquet by its name"
        remedy = f"End it in one of {', '.join(SUFFIXES)}, or take it out; names that begin with _ or . are skipped."
        raise ContractError(what, remedy)
    if odd := [name for name in names if name != name.encode(errors="replace").decode()]:
        raise ContractError(f"{source} holds a file whose name is no UTF-8: {odd[0]!a}", "Rename it.")
    outputs = Counter(one for name in names for one in (name, f"{name}{REJECTS}"))
    if twice := [name for name, count in outputs.items() if count > 1]:
        what = f"{source}/{twice[0]} has the name that another file's rejects get"
        raise ContractError(what, "Take rejects of earlier runs out of the folder.")


def _check_regular(store: Store, names: Sequence[str]) -> None:
    """Raise ContractError for what is no file whatever its name says: a pipe, a link to a folder or to nothing."""
    if not isinstance(store, FolderStore):
        return
    for path in (store.folder / name for name in names):
        if not path.is_file():
            kind = "a link to nothing" if path.is_symlink() and not path.exists() else "no regular file"
            raise ContractError(f"{path} is {kind}", "Take it out, or put a file in its place.")


def _check_apart(source: str, target: str) -> None:
    """Raise ContractError where one folder lies in the other: results would become input when a run is resumed."""
    if "://" not in source + target:
        source, target = os.path.realpath(source), os.path.realpath(target)
    one, other = f"{source.rstrip('/')}/", f"{target.rstrip('/')}/"
    if one.startswith(other) or other.startswith(one):
        raise ContractError(
            "--data and --out lie in each other", "Name another folder as --out, beside that of --data."
        )
