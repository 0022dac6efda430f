"""A pre-training as `creditfusion pretrain` asks for it, from the names of files to the summary."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

from data_schemas.concepts import Sensitive
from data_schemas.reader import load_schema
from experiments.pretrain.job import Places, pretrain_encoder
from experiments.pretrain.report import Pretrained
from experiments.pretrain.texts import Texts
from experiments.reporting.files import Edition
from experiments.session.run import Run
from experiments.session.sources import shown
from features.encoders.threads import use_threads
from features.language.settings import PretrainingSettings
from features.tables.reader import ReadOptions


@dataclass(frozen=True)
class PretrainRequest:
    """What a run of pretrain is asked for.

    Attributes:
        data: Tables and plain files.
        schema: Of the tables, a file or a shipped one; None: plain files alone.
        mask: Kinds of private life whose sentences are cut.
        until: Last day of decision of the rows that are read; None: all are.
        encoder: Source of the encoder to begin with.
        settings: How it learns.
        places: Where it is written.
        edition: Of the report.
        options: How tables are read.
        sources: Further sources, as they were named.
        threads: Processor threads; 0: as many as there are.
    """

    data: tuple[Path, ...]
    schema: str | None
    mask: tuple[Sensitive, ...]
    until: date | None
    encoder: str
    settings: PretrainingSettings
    places: Places
    edition: Edition
    options: ReadOptions
    sources: tuple[str, ...]
    threads: int

    @property
    def logged(self) -> dict[str, object]:
        """The arguments that the run log keeps."""
        return {
            "data": list(self.data),
            "schema": self.schema,
            "out": self.places.out,
            "encoder": self.encoder,
            "mask": self.mask,
            "until": self.until,
            "settings": asdict(self.settings),
            "resume": self.places.resume,
            "sources": shown(self.sources),
            "language": self.edition.language.code,
        }


def pretrain_as_requested(request: PretrainRequest, json_output: bool) -> Pretrained:
    """Train an encoder further and print the summary; what was done.

    Raises ContractError as ``Texts``, ``Places.check`` and ``pretrain_encoder`` do.
    """
    with Run.start("pretrain", request.places.out, request.logged, json_output) as run:
        use_threads(request.threads)
        contract = load_schema(request.schema) if request.schema else None
        texts = Texts(request.data, contract, request.mask, request.options, request.until)
        request.places.check()
        texts = texts.with_sources(request.sources, request.threads, run)
        done = pretrain_encoder(texts, request.places, request.encoder, request.settings, request.edition, run)
        run.finish(done.summary(), done.lines())
    return done
