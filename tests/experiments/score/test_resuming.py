"""Scoring that stops at any moment leaves nothing half done, and is resumed to the same bytes."""

from __future__ import annotations

import errno
import os
import resource
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from data_schemas.errors import ContractError, RunError
from experiments.score.job import score_file
from experiments.score.resumable_output import OutputFile, PartialOutput, partial_folder
from experiments.session.run import Run
from features.tables.applications import Applications
from features.tables.reader import ReadOptions
from fusion.answers import Answer
from fusion.monitor import Monitor
from tests.support.rule_scorer import RuleScorer
from tests.support.scoring_by_rule import REASONER, SCORER, Place, applications, by_hand


@contextmanager
def snapshots(folder: Path, into: Path) -> Iterator[list[Path]]:
    """Copy the folder before every step that makes a write durable or visible: what a kill at that moment leaves."""
    taken: list[Path] = []
    fsync, replace_path, unlink, rmtree = os.fsync, Path.replace, Path.unlink, shutil.rmtree

    def snapshot() -> None:
        taken.append(into / f"{len(taken):03d}")
        shutil.copytree(folder, taken[-1])

    def spy_fsync(descriptor: int) -> None:
        snapshot()
        fsync(descriptor)

    def spy_replace(path: Path, target: Path) -> Path:
        snapshot()
        return replace_path(path, target)

    def spy_unlink(path: Path, missing_ok: bool = False) -> None:
        snapshot()
        unlink(path, missing_ok)

    def spy_rmtree(path: Path) -> None:
        snapshot()
        rmtree(path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", spy_fsync)
        patch.setattr(Path, "replace", spy_replace)
        patch.setattr(Path, "unlink", spy_unlink)
        patch.setattr("experiments.score.resumable_output.shutil.rmtree", spy_rmtree)
        yield taken


@pytest.mark.parametrize("name", ["out.csv", "out.csv.gz", "out.parquet"])
def test_a_run_killed_at_any_moment_resumes_to_the_same_bytes(tmp_path: Path, name: str) -> None:
    whole = Place(tmp_path / "whole")
    whole.folder.mkdir()
    applications(60).to_csv(whole.files.data, index=False)
    files = replace(whole.files, out=whole.folder / name)
    with snapshots(whole.folder, tmp_path) as taken:
        whole.score(files, chunk_rows=20)
    expected = files.out.read_bytes(), files.rejects.read_bytes()
    assert len(taken) > 15
    for folder in taken:
        killed = Place(folder)
        files = replace(killed.files, out=folder / name)
        # The scored file has its name only when it is whole.
        assert not files.out.exists() or files.out.read_bytes() == expected[0]
        killed.score(files, chunk_rows=13, resume=True)
        assert (files.out.read_bytes(), files.rejects.read_bytes()) == expected, folder.name
        assert not partial_folder(files.out).exists()


def test_rows_written_before_are_not_scored_again(place: Place, undisturbed: tuple[bytes, bytes]) -> None:
    chunk_sizes: list[int] = []

    def stops_at_the_third_chunk(rows: Applications, monitor: Monitor) -> Answer:
        if len(chunk_sizes) == 2 and not place.folder.joinpath("repaired").exists():
            raise KeyboardInterrupt("ctrl-c")
        chunk_sizes.append(len(rows))
        return by_hand(rows, monitor)

    scorer = replace(SCORER, rule=stops_at_the_third_chunk)
    with Run.start("score", None, {}) as run:
        options = ReadOptions(chunk_rows=50)
        with pytest.raises(KeyboardInterrupt, match="ctrl-c"):
            score_file(scorer, place.files, options, run)
        place.folder.joinpath("repaired").touch()
        done = score_file(scorer, place.files, options, run, resume=True)
    assert place.results() == undisturbed
    assert (done.tally.rows, done.n_resumed) == (200, 100)
    assert done.tally.scored == sum(chunk_sizes)


def leave_partial(place: Place, passthrough: tuple[str, ...] = ()) -> None:
    """A run that dies of a full disk after some chunks."""

    def full(_descriptor: int) -> None:
        if partial_folder(place.files.out).joinpath("scored.csv").stat().st_size > 4000:
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(RunError, match=r"no space left while writing .*out\.csv.*--resume"):
            place.score(passthrough=passthrough)
    assert not place.files.out.exists()
    assert not place.files.rejects.exists()


def test_a_full_disk_leaves_what_can_be_resumed(place: Place, undisturbed: tuple[bytes, bytes]) -> None:
    leave_partial(place)
    place.score(resume=True)
    assert place.results() == undisturbed


def test_a_write_that_stops_half_way_leaves_what_can_be_resumed(place: Place, undisturbed: tuple[bytes, bytes]) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, limits[1]))
    try:
        with pytest.raises(RunError, match="no space left"):
            place.score()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert partial_folder(place.files.out).exists()
    place.score(resume=True)
    assert place.results() == undisturbed


def test_a_partial_is_neither_overwritten_nor_resumed_unasked(place: Place, undisturbed: tuple[bytes, bytes]) -> None:
    leave_partial(place)
    with pytest.raises(ContractError, match=r"unfinished after row \d+.*--resume.*--force"):
        place.score()
    place.score(force=True)
    assert place.results() == undisturbed


def change_input(place: Place) -> RuleScorer:
    with place.files.data.open("a") as file:
        file.write("\n")
    return SCORER


def change_model(_place: Place) -> RuleScorer:
    return replace(SCORER, model_id="m2")


def change_encoder(_place: Place) -> RuleScorer:
    return replace(SCORER, encoder_digest="e2")


def ask_for_reasons(_place: Place) -> RuleScorer:
    return REASONER


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (change_input, "input sha256: .* then, .* now"),
        (change_model, "model: m1 then, m2 now"),
        (change_encoder, "text encoder, precision or processor: e1 then, e2 now"),
        (ask_for_reasons, "reasons: 0 then, 3 now"),
    ],
)
def test_what_is_not_the_same_run_is_not_resumed(
    place: Place, change: Callable[[Place], RuleScorer], says: str
) -> None:
    leave_partial(place)
    scorer = change(place)
    with Run.start("score", None, {}) as run, pytest.raises(ContractError, match=says):
        score_file(scorer, place.files, ReadOptions(), run, resume=True)
    assert partial_folder(place.files.out).exists()


def test_other_options_are_not_resumed(place: Place) -> None:
    leave_partial(place, passthrough=("sex", "branch_note"))
    with pytest.raises(ContractError, match="passthrough: 'sex', 'branch_note' then, none now"):
        place.score(resume=True)
    with pytest.raises(ContractError, match="passthrough: 'sex', 'branch_note' then, 'sex, branch_note' now"):
        place.score(passthrough=("sex, branch_note",), resume=True)


def test_columns_that_are_passed_through_resume_to_the_same_bytes(place: Place) -> None:
    names = ("branch_note", "input row", "amount")
    table = applications(200)
    table.assign(**{"input row": table.index}).to_csv(place.files.data, index=False)
    place.score(passthrough=names)
    expected = place.results()
    for written in (place.files.out, place.files.rejects):
        written.unlink()
    leave_partial(place, passthrough=names)
    place.score(passthrough=names, chunk_rows=33, resume=True)
    assert place.results() == expected


def test_a_damaged_partial_is_refused(place: Place) -> None:
    leave_partial(place)
    scored = partial_folder(place.files.out) / "scored.csv"
    os.truncate(scored, 10)
    with pytest.raises(ContractError, match=r"scored\.csv is shorter than its journal says"):
        place.score(resume=True)
    (partial_folder(place.files.out) / "journal.json").write_text("{")
    with pytest.raises(ContractError, match=r"journal\.json cannot be read"):
        place.score(resume=True)


def test_a_replacement_that_is_killed_at_once_does_not_pass_for_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    iterdir = Path.iterdir
    monkeypatch.setattr(Path, "iterdir", lambda folder: iter(sorted(iterdir(folder), reverse=True)))
    place = Place(tmp_path / "first")
    place.folder.mkdir()
    applications(60).to_csv(place.files.data, index=False)
    with snapshots(place.folder, tmp_path / "publishing") as taken:
        place.score()
    between = (one for one in map(Place, taken) if one.files.rejects.exists() and not one.files.out.exists())
    publishing = next(between)
    publishing.files.out.write_text("older")
    with snapshots(publishing.folder, tmp_path / "replaced") as taken:
        publishing.score(force=True)
    for folder in taken[:5]:  # until the journal of the new run is there
        killed = Place(folder)
        try:
            killed.score(resume=True)
        except ContractError:
            continue
        assert killed.results() == place.results(), folder.name


def test_a_finished_file_is_replaced_only_with_force(place: Place, undisturbed: tuple[bytes, bytes]) -> None:
    place.files.out.write_text("precious")
    for resume in (False, True):
        with pytest.raises(ContractError, match=r"out\.csv exists.*--force"):
            place.score(resume=resume)
    assert place.files.out.read_text() == "precious"
    assert not partial_folder(place.files.out).exists()
    place.score(force=True)
    assert place.results() == undisturbed


def test_two_processes_do_not_write_one_output(place: Place) -> None:
    targets = OutputFile(place.files.out, ()), OutputFile(place.files.rejects, ())
    held = PartialOutput.open(*targets, {}, resume=False, force=False)
    with held, pytest.raises(RunError, match="another process is writing"):
        place.score(force=True)


def test_resume_without_a_partial_just_scores(place: Place, undisturbed: tuple[bytes, bytes]) -> None:
    place.score(resume=True)
    assert place.results() == undisturbed


def test_an_input_that_changes_meanwhile_gives_no_result(place: Place) -> None:
    def appends(rows: Applications, monitor: Monitor) -> Answer:
        change_input(place)
        return by_hand(rows, monitor)

    scorer = replace(SCORER, rule=appends)
    with Run.start("score", None, {}) as run, pytest.raises(RunError, match="was changed while it was scored"):
        score_file(scorer, place.files, ReadOptions(), run)
    assert not place.files.out.exists()


def test_an_input_that_is_only_touched_meanwhile_is_scored(place: Place, undisturbed: tuple[bytes, bytes]) -> None:
    def touches(rows: Applications, monitor: Monitor) -> Answer:
        os.utime(place.files.data, ns=(1, 1))
        return by_hand(rows, monitor)

    with Run.start("score", None, {}) as run:
        score_file(replace(SCORER, rule=touches), place.files, ReadOptions(), run)
    assert place.results() == undisturbed


def test_an_input_that_vanishes_meanwhile_may_come_back(place: Place, undisturbed: tuple[bytes, bytes]) -> None:
    content = place.files.data.read_bytes()

    def removes(rows: Applications, monitor: Monitor) -> Answer:
        place.files.data.unlink()
        return by_hand(rows, monitor)

    with Run.start("score", None, {}) as run, pytest.raises(RunError, match=r"vanished .*--resume"):
        score_file(replace(SCORER, rule=removes), place.files, ReadOptions(), run)
    place.files.data.write_bytes(content)
    place.score(resume=True)
    assert place.results() == undisturbed
