"""The steps of ``creditfusion demo``: synthetic files, and how a model does against the rule behind them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from data_schemas.errors import ContractError
from data_schemas.reader import load_schema
from experiments.demo.data import FIRST_DAY, generate
from experiments.demo.records import DATES, DemoSources, with_sources
from experiments.demo.worth import judge_sources
from experiments.explain.job import explain_file
from experiments.explain.letters.lender import Lender
from experiments.explain.report_content import Heading
from experiments.explain.request import Audience, Form, ReportRequest
from experiments.explain.selection import Choice
from experiments.options import report_day
from experiments.score.job import ScoreFiles, score_file
from experiments.session.run import Run
from experiments.session.sources import with_sources as join
from experiments.session.summary import Summary
from experiments.train.decided import read_decided
from experiments.train.job import TrainingFiles, train_bundle
from features.arrays import Floats
from features.encoders.threads import use_threads
from features.tables.reader import ReadOptions, read_all
from fusion.bundle import load
from fusion.config import Config
from fusion.metrics import auc, delong
from fusion.scorer import N_REASONS, Scorer
from fusion.text_encoder import VectorCache, bundle_encoder, open_text_encoder

DAYS_BEFORE, DAYS_AFTER = 730, 180
NEW_ROWS_SHARE = 0.4
N_REPORTED = 5

ABOUT = """Everything in this folder is synthetic: `creditfusion demo` made it up (seed {seed}).
No applicant, no sentence and no outcome is real, and the risk rule behind them is no claim about real credit risk.

past.csv          {n_past} decided applications with their outcome; the model learned from these
new.csv           {n_new} later applications, without outcome
new_truth.csv     the rule's true PD of each, and the outcome: what a lender would not know
model/            the trained model bundle
scored.csv        PD, score, decision and reasons of each new application
reports/          why the {n_reported} of the highest PD were scored so: open index.html
"""

ABOUT_SOURCES = """
bureau.csv        accounts as a credit bureau reported them
transactions.csv  half a year of the applicant's current account
call_notes.csv    what call agents wrote down
The three hold records of past and new applications. Some lie after the decision and know the outcome; some belong to no
application. The contract is the shipped schema demo_sources.
"""


@dataclass(frozen=True)
class DemoFiles:
    """Where a demo's files lie."""

    folder: Path

    @property
    def about(self) -> Path:
        """What the folder is; marks it as a demo's own, which another demo may overwrite."""
        return self.folder / "ABOUT.txt"

    @property
    def past(self) -> Path:
        """Applications with outcome, to learn from."""
        return self.folder / "past.csv"

    @property
    def new(self) -> Path:
        """Later applications without outcome, to score."""
        return self.folder / "new.csv"

    @property
    def truth(self) -> Path:
        """The rule's log-odds and the outcome of the new applications."""
        return self.folder / "new_truth.csv"

    def records(self, source: str) -> Path:
        """The records of a source, of past and new applications."""
        return self.folder / f"{source}.csv"

    @property
    def model(self) -> Path:
        """The model bundle."""
        return self.folder / "model"

    @property
    def scored(self) -> Path:
        """The scored new applications."""
        return self.folder / "scored.csv"

    @property
    def reports(self) -> Path:
        """Reports of single decisions."""
        return self.folder / "reports"

    @property
    def rejects(self) -> Path:
        """Rows of the new applications that broke the contract."""
        return self.folder / "scored.csv.rejects.csv"

    @property
    def vectors(self) -> Path:
        """The demo's own cache of narrative vectors."""
        return self.folder / "vectors"


def check_folder(folder: Path) -> None:
    """Raise ContractError unless the folder is absent, empty or an earlier demo's."""
    if folder.is_file():
        raise ContractError(f"{folder} is a file", "Give --out a folder.")
    if folder.is_dir() and any(folder.iterdir()) and not DemoFiles(folder).about.exists():
        raise ContractError(f"{folder} holds files that are no demo's", "Give --out a new or empty folder.")


def write_files(files: DemoFiles, n_rows: int, seed: int, sources: bool = False) -> None:
    """Generate and write past, new and truth. The new ones come from the days after the past ones.

    Args:
        files: where they lie.
        n_rows: past applications.
        seed: equal seeds give equal files.
        sources: whether records of further sources belong to them, by which the outcomes go too.
    """
    past = generate(n_rows, seed, FIRST_DAY, DAYS_BEFORE)
    new = generate(max(int(n_rows * NEW_ROWS_SHARE), 1), seed, FIRST_DAY + np.timedelta64(DAYS_BEFORE, "D"), DAYS_AFTER)
    files.folder.mkdir(parents=True, exist_ok=True)
    about = ABOUT.format(seed=seed, n_past=len(past), n_new=len(new), n_reported=N_REPORTED)
    truth = new.truth()
    if sources:
        known, later = with_sources(past, seed, leaking=True), with_sources(new, seed, leaking=False)
        past, new, truth = known.data, later.data, later.truth()
        _write_records(files, known, later)
    files.about.write_text(about + (ABOUT_SOURCES if sources else ""), encoding="utf-8")
    past.table.to_csv(files.past, index=False)
    new.table.drop(columns="outcome").to_csv(files.new, index=False)
    truth.to_csv(files.truth, index=False)


def _write_records(files: DemoFiles, *parts: DemoSources) -> None:
    for name, date in DATES.items():
        records = pd.concat([part.tables[name] for part in parts])
        records.sort_values(date, kind="stable").to_csv(files.records(name), index=False)


def run_demo(files: DemoFiles, n_rows: int, seed: int, threads: int, run: Run, sources: bool = False) -> Summary:
    """Generate, train, score and judge; the closing summary."""
    schema, config = load_schema("demo_sources" if sources else "demo"), Config()
    with run.stage("generate"):
        write_files(files, n_rows, seed, sources)
    use_threads(threads)
    given = [f"{name}={files.records(name)}" for name in DATES if sources]
    options = join(run, (files.past, files.new), schema, given, ReadOptions(), threads=threads)
    encoder = open_text_encoder(config.encoder, VectorCache(files.vectors, tell=run.note))
    past = TrainingFiles((files.past,), files.model)
    decided = read_decided(schema, past.data, replace(options, need_target=True), run)
    report = train_bundle(decided, past, config, encoder, run)
    bundle = load(files.model)
    encoder = bundle_encoder(bundle, cache=VectorCache(files.vectors, tell=run.note))
    scorer = Scorer(bundle, encoder, n_reasons=N_REASONS, threads=threads)
    score_file(scorer, ScoreFiles(files.new, files.scored, files.rejects), options, run, force=True)
    with run.stage("report"):
        explain_few(files, replace(scorer, n_reasons=0), options, run)
    with run.stage("compare"):
        new = read_all(files.new, schema, options).applications
        margins = scorer.margins(scorer.read(new))
        against_the_rule: Summary = (
            judge_sources(files.truth, margins)
            if sources
            else {"on the new applications": judge(files, margins.columns_only)}
        )
    paths = (files.about, files.past, files.new, files.scored, files.model, files.reports)
    return {
        "data": "synthetic, nothing in it is real",
        "model": report.model_id,
        "past applications": report.n_rows,
        "new applications": len(new),
        **against_the_rule,
        "files": {file.name: file for file in (*paths, *(files.records(name) for name in DATES if sources))},
    }


def explain_few(files: DemoFiles, scorer: Scorer, options: ReadOptions, run: Run) -> None:
    """Write the underwriter's report and the letter for the new applications of the highest PD."""
    order = ReportRequest(files.reports, (Audience.UNDERWRITER, Audience.APPLICANT), (Form.HTML, Form.JSON), force=True)
    heading = Heading(files.new, report_day(None), command=(), lender=Lender(name="Demo Bank"))
    explain_file(scorer, Choice(top=N_REPORTED), order, heading, options, run)


def judge(files: DemoFiles, columns_only: Floats) -> Summary:
    """AUCs on the new applications: of the rule itself, the model, and its ablation on the columns alone.

    columns_only: float64 (n,), log-odds of the ablation, in the order of ``new.csv``.
    """
    scored = pd.read_csv(files.scored).sort_values("row")
    truth = pd.read_csv(files.truth).iloc[scored["row"].to_numpy() - 1]
    y = np.where(truth["outcome"] == "defaulted", 1.0, 0.0)
    pds, rule = scored["pd"].to_numpy(), truth["true_log_odds"].to_numpy()
    gain = delong(y, pds, columns_only)
    best, reached = auc(y, rule), auc(y, pds)
    return {
        "best possible AUC (the rule itself)": best,
        "AUC of the model": reached,
        "AUC of the columns alone": auc(y, columns_only),
        "best possible AUC of the columns": auc(y, truth["column_log_odds"].to_numpy()),
        "short of the best by": best - reached,
        "gain from the words": gain.difference,
        "gain, 95 % interval": (gain.low, gain.high),
        "correlation of log-odds with the rule": float(np.corrcoef(np.log(pds / (1 - pds)), rule)[0, 1]),
    }
