"""A pre-training as `creditfusion pretrain` asks for it, from the names of files to the summary."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from experiments.pretrain.job import Places, pretrain_encoder
from experiments.pretrain.report import Pretrained
from experiments.pretrain.texts import TextsRequest
from experiments.reporting.files import Edition
from experiments.session.run import Run
from features.encoders.threads import use_threads
from features.language.settings import PretrainingSettings


@dataclass(frozen=True)
class PretrainRequest:
    """What a run of pretrain is asked for.

    Attributes:
        texts: What it learns from.
        encoder: Source of the encoder to begin with.
        settings: How it learns.
        places: Where it is written.
        edition: Of the report.
    """

    texts: TextsRequest
    encoder: str
    settings: PretrainingSettings
    places: Places
    edition: Edition

    @property
    def logged(self) -> dict[str, object]:
        """The arguments that the run log keeps."""
        return {
            **self.texts.logged,
            "out": self.places.out,
            "encoder": self.encoder,
            "until": self.texts.until,
            "settings": asdict(self.settings),
            "resume": self.places.resume,
            "language": self.edition.language.code,
        }


def pretrain_as_requested(request: PretrainRequest, json_output: bool) -> Pretrained:
    """Train an encoder further and print the summary; what was done.

    Raises ContractError as ``Texts``, ``Places.check`` and ``pretrain_encoder`` do.
    """
    with Run.start("pretrain", request.places.out, request.logged, json_output) as run:
        use_threads(request.texts.threads)
        texts = request.texts.opened()
        request.places.check()
        texts = request.texts.joined(texts, run)
        done = pretrain_encoder(texts, request.places, request.encoder, request.settings, request.edition, run)
        run.finish(done.summary(), done.lines())
    return done
