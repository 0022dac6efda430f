"""A part of a file: some of its rows, answered, as one object that is there whole or not at all."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, ValidationError

from data_schemas.errors import RunError
from experiments.score.resumable_output import Tally

_NAME = re.compile(r"(\d{12})-(\d{12})\.part")
REMEDY = "Start again with --force."


@dataclass(frozen=True, order=True)
class RowRange:
    """Rows of a file.

    Attributes:
        first: Number of the first, from 1.
        last: Number of the last.
    """

    first: int
    last: int

    def __len__(self) -> int:
        return self.last - self.first + 1

    @property
    def name(self) -> str:
        """Of the part that answers them; names sort as rows do."""
        return f"{self.first:012d}-{self.last:012d}.part"

    @staticmethod
    def of_name(name: str) -> RowRange | None:
        """The rows that a part of this name answers; None where it is no part's."""
        found = _NAME.fullmatch(name)
        return RowRange(int(found[1]), int(found[2])) if found else None


class Manifest(BaseModel):
    """What a part holds, in its first line; the scored rows follow as CSV, then the rejected ones.

    Attributes:
        input_sha256: Of the file that the rows come from.
        first: Number of the first row.
        last: Number of the last row.
        scored_bytes: Length of the scored rows.
        rejects_bytes: Length of the rejected rows.
        sha256: Of both together.
        tally: Counts over the rows.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    input_sha256: str
    first: int
    last: int
    scored_bytes: int
    rejects_bytes: int
    sha256: str
    tally: Tally

    @property
    def rows(self) -> RowRange:
        """The rows that the part answers."""
        return RowRange(self.first, self.last)


def packed(input_sha256: str, rows: RowRange, scored: bytes, rejects: bytes, tally: Tally) -> bytes:
    """The bytes of a part."""
    manifest = Manifest(
        input_sha256=input_sha256,
        first=rows.first,
        last=rows.last,
        scored_bytes=len(scored),
        rejects_bytes=len(rejects),
        sha256=hashlib.sha256(scored + rejects).hexdigest(),
        tally=tally,
    )
    return manifest.model_dump_json().encode() + b"\n" + scored + rejects


@dataclass(frozen=True)
class Unpacked:
    """A part as it was read.

    Attributes:
        manifest: What it says of itself, which its bytes bear out.
        scored: The scored rows, CSV without a header.
        rejects: The rejected rows, CSV without a header.
    """

    manifest: Manifest
    scored: bytes
    rejects: bytes


def manifest_of(line: bytes, where: str) -> Manifest:
    """A part's manifest, from its first line; raises RunError where it is damaged."""
    try:
        return Manifest.model_validate_json(line)
    except ValidationError as error:
        raise RunError(f"{where} is damaged", REMEDY) from error


def unpacked(content: bytes, where: str) -> Unpacked:
    """A part's rows; raises RunError, naming the part, where its bytes are not those that were written."""
    line, _, rows = content.partition(b"\n")
    manifest = manifest_of(line, where)
    whole = manifest.scored_bytes + manifest.rejects_bytes
    if len(rows) != whole or hashlib.sha256(rows).hexdigest() != manifest.sha256:
        raise RunError(f"{where} is damaged", REMEDY)
    return Unpacked(manifest, rows[: manifest.scored_bytes], rows[manifest.scored_bytes :])
