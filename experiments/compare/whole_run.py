"""A comparison as `creditfusion compare` asks for it, from the bundles' folders to the files of the report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from experiments.compare.job import COMPARISON, ComparisonRequest, compare_models, lines, summary
from experiments.options import check_free
from experiments.reporting.files import names_of, write_pages
from experiments.reporting.language import Language, speaking
from experiments.session.run import Run
from experiments.session.second_models import SecondModels
from experiments.session.sources import shown
from experiments.session.unlike_training import refuse
from features.encoders.cache.file import Tell
from features.encoders.threads import use_threads
from fusion.scorer import Scorer, load_scorer
from fusion.text_encoder import VectorCache


@dataclass(frozen=True)
class NamedModel:
    """A model as it was named.

    Attributes:
        bundle: Its folder.
        encoder: Where its text encoder lies; None: where training found it.
    """

    bundle: Path
    encoder: str | None


@dataclass(frozen=True)
class CompareRequest:
    """A comparison of two bundles.

    Attributes:
        champion: The model in use.
        challenger: The one that may replace it.
        comparison: What to compare.
        policy: File of the policy that decides; None: each bundle's.
        second: Second models, as they were named.
        out: Folder of the report.
        force: Whether to replace an earlier one.
        strict: Whether columns unlike the training rows end the run.
        vectors: Opens the cache of narratives' vectors.
        language: Of the report.
    """

    champion: NamedModel
    challenger: NamedModel
    comparison: ComparisonRequest
    policy: Path | None
    second: tuple[str, ...]
    out: Path
    force: bool
    strict: bool
    vectors: Callable[[Tell], VectorCache | None]
    language: Language

    @property
    def logged(self) -> dict[str, object]:
        """The arguments that the run log keeps."""
        files = self.comparison.files
        return {
            "champion": self.champion.bundle,
            "challenger": self.challenger.bundle,
            "data": list(files.paths),
            "out": self.out,
            "since": files.since,
            "sources": shown(files.sources),
            "approval_rate": self.comparison.approval_rate,
            "powers": self.comparison.powers,
            "policy": self.policy,
            "second": list(self.second) or None,
            "segments": self.comparison.segments,
            "date": self.comparison.made_on,
            "language": self.language.code,
        }


def compare_as_requested(request: CompareRequest, json_output: bool) -> int:
    """Compare two bundles and write the report; the number of rejected rows.

    Raises ContractError as ``compare_models`` does, and for a report that is there already.
    """
    check_free(request.out, names_of(COMPARISON), request.force)
    with Run.start("compare", request.out, request.logged, json_output) as run:
        with run.timed("load"):
            champion, challenger, seconds = _loaded(request, run)
        with speaking(request.language):
            found = compare_models(champion, challenger, request.comparison, run, seconds)
        if request.strict:
            sides = (found.pair.champion, found.pair.challenger)
            warnings = {warning.column: warning for side in sides for warning in side.warnings}
            refuse(tuple(warnings.values()), "Look at the columns, or leave --strict out.")
        with run.timed("write"), speaking(request.language):
            write_pages(request.out, {COMPARISON: found.document}, found.rows.rejects)
        run.finish({"out": request.out, **summary(found)}, {"out": request.out, **lines(found)})
    return found.rows.n_rejected


def _loaded(request: CompareRequest, run: Run) -> tuple[Scorer, Scorer, SecondModels]:
    """Champion, challenger and the second models of both."""
    threads = request.comparison.files.threads
    use_threads(threads)
    vectors = request.vectors(run.note)
    seconds = SecondModels.load(request.second, vectors, threads)
    champion, challenger = (
        load_scorer(
            model.bundle,
            encoder=model.encoder,
            cache=vectors,
            policy=request.policy,
            seconds=seconds.scorers,
            threads=threads,
        )
        for model in (request.champion, request.challenger)
    )
    return champion, challenger, seconds
