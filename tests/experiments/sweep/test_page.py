"""The page of a sweep's report and its pictures, of studies that have little to say too."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from xml.etree import ElementTree

import matplotlib as mpl
import optuna
import pytest
from matplotlib import pyplot as plt
from optuna.distributions import IntDistribution
from optuna.trial import TrialState

from experiments.reporting.document import Document
from experiments.reporting.html import document_html
from experiments.sweep.outcome import leaderboard
from experiments.sweep.report import about_best
from experiments.sweep.results import write_report
from experiments.sweep.tables import TOP
from tests.support import example_study
from tests.support.hostile import HOSTILE
from tests.support.small_studies import ONE, RATE, TWO, by_rate, plots_of, rated, report_of, study_of, text, trial


@pytest.mark.parametrize("objectives", [ONE, TWO])
def test_equal_studies_give_equal_bytes(objectives: tuple[str, ...], tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        study = example_study.checked(objectives)
        write_report(report_of(study, objectives, drawn=True), tmp_path / name)
    for file in ("report.html", "report.json"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["report.html", "report.json"]


def test_matplotlib_is_left_as_it_was() -> None:
    before, figures = dict(mpl.rcParams), plt.get_fignums()
    report_of(example_study.study(), drawn=True)
    assert dict(mpl.rcParams) == before
    assert plt.get_fignums() == figures


def test_pictures_are_sound_and_hold_no_date() -> None:
    for key, plot in plots_of(example_study.report()).items():
        svg = plot.drawing
        root = ElementTree.fromstring(svg)
        assert root.tag == "{http://www.w3.org/2000/svg}svg", key
        assert not re.search(r"dc:date|20\d\d-\d\d-\d\d|<script|href=\"(?!#|data:image/png)|NaN|nan[,\s\"]", svg), key


def test_the_page_needs_nothing_else() -> None:
    html = document_html(example_study.report())
    assert not re.search(r"<(script|link|iframe|form|object)|\son\w+=|\sstyle=|href=\"(?!#)", html)
    assert set(re.findall(r'src="([^,]*),', html)) == {"data:image/svg+xml"}
    assert "img-src data:" in html
    assert html.count("<img alt=") == len(plots_of(example_study.report()))
    assert '<img alt=""' not in html
    assert not re.search("<th(?![^>]*scope=)(?!ead)", html)
    ids = re.findall(' id="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    assert set(re.findall('aria-labelledby="([^"]+)"', html)) <= set(ids)


@pytest.mark.parametrize("objectives", [ONE, TWO])
def test_every_sentence_and_figure_stands_in_the_page(objectives: tuple[str, ...]) -> None:
    study = example_study.checked(objectives)
    report = report_of(study, objectives)
    shown = text(document_html(report)).replace("&#39;", "'")
    sentences = [*report.headline, *(words for part in report.sections for words in part.words)]
    sentences += [part.command for part in report.sections]
    for sentence in [*sentences, *(plot.words or plot.gap for plot in plots_of(report).values())]:
        assert re.sub(r"\s+", " ", sentence) in shown
    lines = leaderboard(study, objectives)
    for key in lines[0].settings:
        assert key in shown
    for line in lines[:TOP]:
        for value, digits in zip(line.values.values(), (5, 1), strict=False):
            assert f"{value:.{digits}f}" in shown
    final = study.user_attrs["final"]
    for figures in (final["default"], final["best"]):
        assert f"{figures['auc']:.4f}" in shown
        assert f"{figures['brier']:.5f}" in shown
    for name, what in study.user_attrs["fingerprint"].items():
        assert name in shown
        assert what in shown


@pytest.mark.parametrize("attack", HOSTILE)
def test_a_hostile_study_name_is_escaped(attack: str) -> None:
    name = HOSTILE[attack].replace("\ud800", "").replace("\udfff", "")
    report, plain = (report_of(study_of(trial(1.0), name=one), space=RATE) for one in (name, "x"))
    pages = [document_html(one) for one in (report, plain)]
    marks = [re.findall(r"<(?!/?bdi|/?abbr|wbr|span class=\"more\"|/span)[^>]+>", page) for page in pages]
    tags = [[re.match(r"</?\w+|<!\w+", mark)[0] for mark in page] for page in marks]  # type: ignore[index]
    assert tags[0] == tags[1]
    assert about_best(report, 0)


# Studies that have little to say

LEAVES = IntDistribution(3, 15)
ALL_STATES = [trial(None, state) for state in (TrialState.FAIL, TrialState.PRUNED, TrialState.WAITING)]
DEGENERATE: Mapping[str, tuple[Callable[[], optuna.Study], tuple[str, ...]]] = {
    "no trial": (example_study.empty, ONE),
    "nothing complete": (lambda: study_of(*ALL_STATES), ONE),
    "one bare trial": (lambda: study_of(trial(0.5)), ONE),
    "one trial": (lambda: example_study.alone([0]), ONE),
    "two trials": (lambda: example_study.alone([0, 1]), ONE),
    "nine trials": (lambda: example_study.alone(range(9)), ONE),
    "all pruned but one": (
        lambda: example_study.alone(
            [0, *(one.number for one in example_study.study().get_trials() if one.state == TrialState.PRUNED)]
        ),
        ONE,
    ),
    "one dimension": (lambda: study_of(*[rated(1 + n % 5, 0.01 + n / 1000) for n in range(30)]), ONE),
    "one dimension, two trials": (lambda: study_of(rated(1, 0.01), rated(2, 0.02)), ONE),
    "all values equal": (lambda: by_rate(30, lambda _: 0.25), ONE),
    "most values equal": (lambda: by_rate(30, lambda place: 0.25 if place < 0.9 else 0.5), ONE),
    "all values zero": (lambda: by_rate(30, lambda _: 0.0), ONE),
    "all settings equal": (lambda: study_of(*[rated(1 + n / 10, 0.02) for n in range(30)]), ONE),
    "no settings": (lambda: study_of(*[trial(1 + n / 10) for n in range(30)]), ONE),
    "values that are no numbers": (
        lambda: study_of(*[rated(1 + n / 10 if n % 3 else math.inf, 0.01 + n / 1000) for n in range(40)]),
        ONE,
    ),
    "one value far off": (lambda: by_rate(30, lambda place: place if place else -1e9), ONE),
    "one value far worse": (lambda: by_rate(30, lambda place: place if place < 1 else 1e9), ONE),
    "whole numbers": (
        lambda: study_of(
            *[
                trial(1 + n % 7, params={"stacker.num_leaves": 3 + n % 3}, distributions={"stacker.num_leaves": LEAVES})
                for n in range(30)
            ]
        ),
        ONE,
    ),
    "no seconds": (lambda: by_rate(12, lambda place: place, seconds=None), ONE),
    "no time at all": (lambda: by_rate(12, lambda place: place, seconds={"fit": 0.0, "total": 0.0}), ONE),
    "odd attributes": (lambda: by_rate(12, lambda place: place, seconds=[], figures="none", worker="me"), ONE),
    "two objectives, one trial": (lambda: example_study.alone([0], objectives=TWO), TWO),
    "two objectives, nothing": (lambda: example_study.empty(("minimize", "minimize")), TWO),
    "two objectives": (lambda: example_study.study(TWO), TWO),
    "three objectives": (lambda: example_study.study(("log_loss", "auc", "cost")), ("log_loss", "auc", "cost")),
    "more is better": (lambda: example_study.study(("auc",)), ("auc",)),
}


@pytest.mark.parametrize("case", DEGENERATE)
def test_there_is_always_a_report(case: str, tmp_path: Path) -> None:
    make, objectives = DEGENERATE[case]
    study = make()
    report = report_of(study, objectives, drawn=True)
    write_report(report, tmp_path)
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    shown = text(html)
    assert not re.search(r"\b(nan|inf|None)\b", shown.replace("None: not asked for", "")), case
    plots = plots_of(report).values()
    for plot in plots:
        assert bool(plot.words) != bool(plot.gap), plot.key
        assert f"plot-{plot.key}" in html
        assert (plot.words or plot.gap).split(".")[0] in shown
    assert html.count("not drawn") == sum(bool(plot.gap) for plot in plots)
    assert html.count("<img ") == sum(not plot.gap for plot in plots)
    read = Document.model_validate_json((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert read.model_dump() == report.model_dump()
    json.loads(report.model_dump_json(), parse_constant=lambda name: pytest.fail(name))


@pytest.mark.parametrize(
    ("case", "key", "why"),
    [
        ("no trial", "history", "No trial was completed"),
        ("one trial", "slices", "Only one trial was completed"),
        ("nine trials", "importance", "too few to tell what matters"),
        ("all values equal", "importance", "too much alike"),
        ("all settings equal", "slices", "the same settings"),
        ("no settings", "parallel", "the same settings"),
        ("one dimension", "parallel", "Only stacker.learning_rate differs"),
        ("no seconds", "time", "did not note how long"),
        ("no seconds", "folds", "No trial noted its value after single folds"),
        ("two objectives", "folds", "With several objectives no trial is stopped early"),
    ],
)
def test_a_gap_says_why(case: str, key: str, why: str) -> None:
    make, objectives = DEGENERATE[case]
    assert why in plots_of(report_of(make(), objectives))[key].gap


def test_what_lies_far_off_is_left_out_of_the_picture_and_counted() -> None:
    report = report_of(DEGENERATE["one value far worse"][0]())
    words = {key: plot.words for key, plot in plots_of(report).items()}
    assert re.search(r"1 trial worse than [\d.]+ lies outside the picture\.$", words["history"])
    assert "outside the picture" not in words["parallel"] + words["folds"]
