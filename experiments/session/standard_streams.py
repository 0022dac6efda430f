"""``-`` for a path: stdin and stdout by way of private files, so that they can do all that files can.

A layout is found in several looks at a file, a digest names its bytes, and Parquet begins at its end; a pipe can be
read once. So stdin is written to a folder that its user alone may enter, and removed when the command ends, also by an
error, Ctrl-C or SIGTERM. Scored rows lie beside the rejects until they are complete, as they do with a file.
"""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import typer

from data_schemas.errors import ContractError
from experiments.session.interrupts import terminated_as_interrupted

DASH = Path("-")
_PREFIX = "creditfusion-pipe-"
_PRIVATE = re.compile(rf"\S*{_PREFIX}\w+/(stdin|stdout)(?:\.csv)?")
_COPY_BYTES = 1 << 20


def one_from_stdin(context: typer.Context, path: Path) -> Path:
    """The path of an option or argument; for ``-`` that of a private file of what stdin holds."""
    return _spooled(context) if path == DASH else path


def from_stdin(context: typer.Context, paths: list[Path]) -> list[Path]:
    """The same of several paths. Raises ContractError where stdin is named more than once."""
    if paths.count(DASH) > 1:
        raise ContractError("stdin is named twice, and can be read once", "Name - once.")
    return [one_from_stdin(context, path) for path in paths]


def _spooled(context: typer.Context) -> Path:
    """What stdin holds, in a file that is removed when the command ends."""
    root = context.find_root()
    root.with_resource(terminated_as_interrupted())  # so that the folder is removed then too
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))  # mode 0700
    root.call_on_close(partial(shutil.rmtree, folder, ignore_errors=True))
    file = folder / "stdin"
    with file.open("xb") as stream:
        shutil.copyfileobj(sys.stdin.buffer, stream, _COPY_BYTES)
    return file


@contextmanager
def output_file(out: Path, beside: Path) -> Iterator[Path]:
    """The path to write an output to; for ``-`` that of a private file in the folder of ``beside``, removed after."""
    if out != DASH:
        yield out
        return
    with terminated_as_interrupted():
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=beside.parent))
        try:
            yield folder / "stdout.csv"
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def copy_to_stdout(file: Path) -> None:
    """Write the bytes of a file to stdout. Raises BrokenPipeError where nobody reads them to their end."""
    with file.open("rb") as stream:
        shutil.copyfileobj(stream, sys.stdout.buffer, _COPY_BYTES)
    sys.stdout.buffer.flush()


def as_named(text: str) -> str:
    """A text for people or logs: the paths of private files in it become ``stdin`` and ``stdout``."""
    return _PRIVATE.sub(r"\1", text)
