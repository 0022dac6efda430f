"""The texts to learn a language from, out of files of any kind, cut and cleaned as a model reads them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import pandas as pd

from data_schemas.concepts import Sensitive
from data_schemas.contract import Schema
from data_schemas.errors import ContractError
from data_schemas.reader import load_schema
from experiments.session.decision_dates import decided_by
from experiments.session.progress import Advance
from experiments.session.run import Run
from experiments.session.sources import shown, with_sources
from features.language.corpus import Corpus, cleaned, narratives, plain_texts
from features.narratives.masking import Mask
from features.tables.applications import Rejects
from features.tables.reader import NO_REJECTS, ReadOptions, read_chunks

PLAIN = ".txt"


@dataclass(frozen=True)
class Texts:
    """Where texts come from.

    Raises ContractError for tables without a schema, kinds to cut without one, a last day for plain files, or no file.

    Attributes:
        data: tables and plain files (.txt).
        schema: of the tables; its strip rules and concepts are for plain files too.
        mask: kinds of private life whose sentences are cut.
        options: how tables are read; the encoding is for plain files too.
        until: last day of decision of the rows that are read; None: all are.
    """

    data: tuple[Path, ...]
    schema: Schema | None
    mask: tuple[Sensitive, ...]
    options: ReadOptions
    until: date | None = None

    def __post_init__(self) -> None:
        if not self.data:
            raise ContractError("no file is named", "Name at least one with --data.")
        tables = [path for path in self.data if not is_plain(path)]
        if self.schema is None and tables:
            raise ContractError(
                f"{tables[0]} is a table, and no schema says which of its columns are narratives",
                "Give --schema (`creditfusion schema infer` drafts one), or plain texts as a .txt file.",
            )
        if self.until is not None and len(tables) < len(self.data):
            raise ContractError("--until is for tables, and a .txt file has no dates", "Leave one of them out.")
        if self.schema is None and self.mask:
            raise ContractError("--mask needs a schema, whose concepts say what to cut", "Give --schema as well.")
        if self.schema is not None and tables and not self.schema.narratives:
            raise ContractError(
                f"schema {self.schema.name!r} has no narrative column", "Give a column of texts the role narrative."
            )

    def with_sources(self, given: Sequence[str], threads: int, run: Run) -> Texts:
        """The same with the sources of the tables joined, each as ``--source`` names it; plain files have none.

        Raises what ``experiments.session.sources.with_sources`` does, and ContractError for sources without a table.
        """
        tables = [path for path in self.data if not is_plain(path)]
        if self.schema is None or not tables:
            if given:
                raise ContractError("--source is for tables, and only plain texts are given", "Leave it out.")
            return self
        return replace(self, options=with_sources(run, tables, self.schema, given, self.options, threads=threads))


@dataclass(frozen=True)
class TextsRequest:
    """The texts that a command is asked to read.

    Attributes:
        data: tables and plain files.
        schema: of the tables, a file or a shipped one; None: plain files alone.
        mask: kinds of private life whose sentences are cut.
        options: how tables are read.
        sources: further sources, as they were named.
        threads: processor threads; 0: as many as there are.
        until: last day of decision of the rows that are read; None: all are.
    """

    data: tuple[Path, ...]
    schema: str | None
    mask: tuple[Sensitive, ...]
    options: ReadOptions
    sources: tuple[str, ...]
    threads: int
    until: date | None = None

    @property
    def logged(self) -> dict[str, object]:
        """The arguments that the run log keeps."""
        return {"data": list(self.data), "schema": self.schema, "mask": self.mask, "sources": shown(self.sources)}

    def opened(self) -> Texts:
        """Where they come from, before sources are joined; raises as ``load_schema`` and ``Texts`` do."""
        contract = load_schema(self.schema) if self.schema else None
        return Texts(self.data, contract, self.mask, self.options, self.until)

    def joined(self, texts: Texts, run: Run) -> Texts:
        """``texts`` with the sources; raises as ``Texts.with_sources`` does."""
        return texts.with_sources(self.sources, self.threads, run)


@dataclass(frozen=True)
class ReadTexts:
    """What the files hold.

    Attributes:
        corpus: the texts, each once.
        rejects: rows of tables that broke the contract, and were not read.
        n_rows: rows of tables, with these.
        n_cut: sentences cut for telling of private life, by kind.
    """

    corpus: Corpus
    rejects: Rejects
    n_rows: int
    n_cut: dict[str, int]


def is_plain(path: Path) -> bool:
    """Whether a file holds texts alone, and no table."""
    return path.suffix.lower() == PLAIN


def read_texts(texts: Texts, mask: Mask | None, advance: Advance) -> ReadTexts:
    """All texts of the files; ``advance`` hears of rows and plain texts.

    Raises ContractError for files that do not fit the schema or the encoding, RunError for files that cannot be read.
    """
    reading = _Reading(texts, mask, advance)
    corpus = Corpus.of(text for path in texts.data for text in reading.texts(path))
    frames = [frame for frame in reading.rejected if len(frame)]
    rejects = Rejects(pd.concat(frames, ignore_index=True) if frames else NO_REJECTS.copy())
    return ReadTexts(corpus, rejects, reading.n_rows, reading.n_cut)


class _Reading:
    """A reading under way, which counts."""

    def __init__(self, texts: Texts, mask: Mask | None, advance: Advance) -> None:
        self.source, self.mask, self.advance = texts, mask, advance
        self.rejected: list[pd.DataFrame] = []
        self.n_rows = 0
        self.n_cut = {kind.value: 0 for kind in texts.mask}

    def texts(self, path: Path) -> Iterator[str]:
        """The clean texts of one file."""
        return self._plain(path) if is_plain(path) else self._table(path)

    def _plain(self, path: Path) -> Iterator[str]:
        raws = plain_texts(path, self.source.options.encoding)
        strip = self.source.schema.strip if self.source.schema else ()
        self.advance(len(raws))
        if self.mask:
            raws, sentences = self.mask.cut(raws, strip)
            self._count(sentences)
        yield from cleaned(raws, strip)

    def _table(self, path: Path) -> Iterator[str]:
        assert self.source.schema is not None, "Texts checks it"
        for chunk in read_chunks(path, self.source.schema, self.source.options):
            frame = chunk.rejects.frame
            if len(self.source.data) > 1:
                frame = frame.assign(message=[f"{path.name}: {message}" for message in frame["message"]])
            self.rejected.append(frame)
            self.n_rows += chunk.n_rows
            applications = chunk.applications.take(decided_by(chunk.applications, self.source.until))
            if self.mask:
                masked = self.mask.apply(applications)
                applications = masked.applications
                self._count(masked.sentences)
            self.advance(chunk.n_rows)
            yield from narratives(applications)

    def _count(self, sentences: Mapping[Sensitive, int]) -> None:
        for kind, n in sentences.items():
            self.n_cut[kind.value] += n
