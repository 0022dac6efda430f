"""A distillation as `creditfusion distil` asks for it, from the names of files to the summary."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from experiments.distil.job import Distilled, distil_encoder
from experiments.pretrain.texts import TextsRequest
from experiments.session.run import Run
from features.encoders.folder import check_encoder_place
from features.encoders.threads import use_threads
from features.language.distillation import DistillationSettings


@dataclass(frozen=True)
class DistilRequest:
    """What a run of distil is asked for.

    Attributes:
        texts: What the student learns from.
        encoder: Source of the teacher.
        settings: How the student learns.
        out: The student's folder.
    """

    texts: TextsRequest
    encoder: str
    settings: DistillationSettings
    out: Path

    @property
    def logged(self) -> dict[str, object]:
        """The arguments that the run log keeps."""
        own = {"out": self.out, "encoder": self.encoder, "settings": asdict(self.settings)}
        return {**self.texts.logged, **own}


def distil_as_requested(request: DistilRequest, json_output: bool) -> Distilled:
    """Distil an encoder and print the summary; what was done.

    Raises ContractError as ``Texts`` and ``distil_encoder`` do.
    """
    with Run.start("distil", request.out, request.logged, json_output) as run:
        use_threads(request.texts.threads)
        texts = request.texts.opened()
        check_encoder_place(request.out)
        texts = request.texts.joined(texts, run)
        done = distil_encoder(texts, request.out, request.encoder, request.settings, run)
        run.finish(done.summary(), done.lines())
    return done
