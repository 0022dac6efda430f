"""The texts that an encoder learns a language from: clean, each once, some of them held out."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from data_schemas.contract import StripRule
from data_schemas.errors import ContractError, RunError
from features.tables.applications import Applications
from features.text.cleaning import clean

FEWEST = 20
_BLANK_LINES = re.compile(r"\n[^\S\n]*\n\s*")


@dataclass(frozen=True)
class Corpus:
    """Texts, each once; which of the rows and files they came from plays no part in their order.

    Attributes:
        texts: in the order of their digests.
        n_read: how many there were with the repeated ones.
    """

    texts: tuple[str, ...]
    n_read: int

    @staticmethod
    def of(texts: Iterable[str]) -> Corpus:
        """Put texts together; two that differ in capitals and white space alone are one, empty ones are none."""
        found: dict[bytes, str] = {}
        n_read = 0
        for text in texts:
            if text.strip():
                n_read += 1
                key = _key(text, 0)
                found[key] = min(found.get(key, text), text)
        return Corpus(tuple(found[key] for key in sorted(found)), n_read)

    @property
    def digest(self) -> str:
        """sha256 of the texts, in hexadecimal digits."""
        every = hashlib.sha256()
        for text in self.texts:
            every.update(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest())
        return every.hexdigest()

    def split(self, share: float, seed: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Training texts and about ``share`` of all for validation; a text falls on one side by its own digest and the
        seed, whatever the others are.

        Raises ContractError for fewer than ``FEWEST`` texts.
        """
        if len(self.texts) < FEWEST:
            raise ContractError(
                f"the files hold {len(self.texts)} different texts, too few to learn from",
                f"Give {FEWEST} or more; thousands are worth the time.",
            )
        places = [int.from_bytes(_key(text, seed)[:8], "big") / 2**64 for text in self.texts]
        bound = max(share, min(places))  # one text at least
        held_out = [place <= bound for place in places]
        return (
            tuple(text for text, out in zip(self.texts, held_out, strict=True) if not out),
            tuple(text for text, out in zip(self.texts, held_out, strict=True) if out),
        )


def narratives(applications: Applications) -> list[str]:
    """The narratives of these applications as the model reads them, one after the other; masked before, where they
    are to be.
    """
    schema = applications.schema
    columns = (applications.narrative(field.name) for field in schema.narratives)
    return [clean(raw, schema.strip).text for column in columns for raw in column if raw]


def plain_texts(path: Path, encoding: str | None) -> list[str]:
    """The raw texts of a plain file: its paragraphs where blank lines part them, else its lines.

    Raises RunError for a file that cannot be read, ContractError for bytes that are no text of the encoding (None:
    UTF-8, with or without a mark).
    """
    try:
        text = path.read_bytes().decode(encoding or "utf-8-sig")
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}", "Check the path and its permissions.") from error
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise ContractError(
            f"{path}, line {line}: not {encoding or 'UTF-8'}", "Give the file's encoding with --encoding."
        ) from error
    except LookupError as error:
        raise ContractError(f"--encoding {encoding} is unknown", "Give one such as utf-8 or gb18030.") from error
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    return _BLANK_LINES.split(text) if _BLANK_LINES.search(text) else text.split("\n")


def cleaned(raws: Sequence[str], strip: Sequence[StripRule]) -> list[str]:
    """Raw texts as the model reads narratives."""
    return [clean(raw, strip).text for raw in raws]


def _key(text: str, seed: int) -> bytes:
    """A digest of what two texts have in common that differ in capitals and white space alone."""
    same = " ".join(text.casefold().split())
    return hashlib.blake2b(same.encode("utf-8", "surrogatepass"), key=seed.to_bytes(8, "big")).digest()
