"""A distillation as `creditfusion distil` asks for it, from the names of files to the summary."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from data_schemas.concepts import Sensitive
from data_schemas.reader import load_schema
from experiments.distil.job import Distilled, distil_encoder
from experiments.pretrain.texts import Texts
from experiments.session.run import Run
from experiments.session.sources import shown
from features.encoders.folder import check_encoder_place
from features.encoders.threads import use_threads
from features.language.distillation import DistillationSettings
from features.tables.reader import ReadOptions


@dataclass(frozen=True)
class DistilRequest:
    """What a run of distil is asked for.

    Attributes:
        data: Tables and plain files.
        schema: Of the tables, a file or a shipped one; None: plain files alone.
        mask: Kinds of private life whose sentences are cut.
        encoder: Source of the teacher.
        settings: How the student learns.
        out: The student's folder.
        options: How tables are read.
        sources: Further sources, as they were named.
        threads: Processor threads; 0: as many as there are.
    """

    data: tuple[Path, ...]
    schema: str | None
    mask: tuple[Sensitive, ...]
    encoder: str
    settings: DistillationSettings
    out: Path
    options: ReadOptions
    sources: tuple[str, ...]
    threads: int

    @property
    def logged(self) -> dict[str, object]:
        """The arguments that the run log keeps."""
        return {
            "data": list(self.data),
            "schema": self.schema,
            "out": self.out,
            "encoder": self.encoder,
            "mask": self.mask,
            "settings": asdict(self.settings),
            "sources": shown(self.sources),
        }


def distil_as_requested(request: DistilRequest, json_output: bool) -> Distilled:
    """Distil an encoder and print the summary; what was done.

    Raises ContractError as ``Texts`` and ``distil_encoder`` do.
    """
    with Run.start("distil", request.out, request.logged, json_output) as run:
        use_threads(request.threads)
        contract = load_schema(request.schema) if request.schema else None
        texts = Texts(request.data, contract, request.mask, request.options)
        check_encoder_place(request.out)
        texts = texts.with_sources(request.sources, request.threads, run)
        done = distil_encoder(texts, request.out, request.encoder, request.settings, run)
        run.finish(done.summary(), done.lines())
    return done
