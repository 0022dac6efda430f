"""A training as `creditfusion train` asks for it, from the schema's file to the bundle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from data_schemas.reader import load_schema
from experiments.session.run import Run
from experiments.session.sources import shown, with_sources
from experiments.train.decided import read_decided, write_rejects
from experiments.train.job import TrainingFiles, train_bundle
from experiments.train.report import TrainingReport
from features.encoders.cache.file import Tell
from features.encoders.threads import use_threads
from features.tables.reader import ReadOptions
from fusion.bundle_folder import check_place
from fusion.config_file import load_config
from fusion.policy.policy_file import load_policy
from fusion.text_encoder import VectorCache, open_text_encoder


@dataclass(frozen=True)
class TrainRequest:
    """What a run of train is asked for.

    Attributes:
        schema: A file or a shipped one.
        files: What is read and written.
        config: File of settings, or the name of shipped ones; None: the defaults.
        overrides: Single settings, ``key=value``.
        policy: File of the policy that the bundle keeps; None: none.
        quick: Whether nothing is chosen, and nothing compared.
        force: Whether to replace an earlier bundle.
        options: How the data are read.
        sources: Further sources, as they were named.
        vectors: Opens the cache of narratives' vectors.
        threads: Processor threads; 0: as many as there are.
    """

    schema: str
    files: TrainingFiles
    config: Path | None
    overrides: tuple[str, ...]
    policy: Path | None
    quick: bool
    force: bool
    options: ReadOptions
    sources: tuple[str, ...]
    vectors: Callable[[Tell], VectorCache | None]
    threads: int

    @property
    def logged(self) -> dict[str, object]:
        """The arguments that the run log keeps."""
        held = self.files.hold_out
        return {
            "schema": self.schema,
            "data": list(self.files.data),
            "out": self.files.out,
            "config": self.config,
            "set": list(self.overrides),
            "sources": shown(self.sources),
            "until": held.until,
            "holdout": held.share,
            "policy": self.policy,
            "language": self.files.language.code,
        }


def train_as_requested(request: TrainRequest, json_output: bool) -> TrainingReport:
    """Train, write the bundle and print the summary; the report.

    Raises ContractError as ``read_decided`` and ``train_bundle`` do, and for settings or a policy that do not fit.
    """
    files = request.files
    with Run.start("train", files.out, request.logged, json_output) as run:
        contract = load_schema(request.schema)
        settings = load_config(request.config, request.overrides)
        use_threads(request.threads)
        encoder = open_text_encoder(settings.encoder, request.vectors(run.note))
        rules = load_policy(request.policy, contract, seconds=None) if request.policy is not None else None
        check_place(files.out, request.force)  # before hours of work, not after them
        options = with_sources(run, files.data, contract, request.sources, request.options, threads=request.threads)
        read = read_decided(contract, files.data, options, run)
        write_rejects(read.rejects, files.rejects)  # first, because they may be why the rest cannot train
        report = train_bundle(read, files, settings, encoder, run, request.quick, rules)
        run.finish({"bundle": files.out, **report.summary()}, {"bundle": files.out, **report.lines()})
    return report
