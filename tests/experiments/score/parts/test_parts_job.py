"""Files scored in parts: the bytes of each file scored alone, whatever the cuts, and whenever a run was killed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Condition, RLock
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data_schemas.errors import ContractError, RunError, UnlikeTrainingError
from data_schemas.messages import Message
from experiments.score.parts.steps import Job, ReadPart, answer_part, commit_part, read_parts
from experiments.score.parts.work import Work, unfinished
from features.batches.warnings import ColumnWarning
from features.tables.applications import Applications, Chunk
from features.tables.reader import ReadOptions, read_chunks
from fusion.answers import Answer
from fusion.monitor import Monitor
from tests.support.rule_scorer import RuleScorer
from tests.support.scoring_in_parts import SCORER, Batch, by_id, contents


def stopping_after(n_parts: int) -> RuleScorer:
    """A scorer that is interrupted once it has answered so many parts."""
    left = iter(range(n_parts))

    def rule(applications: Applications, monitor: Monitor) -> Answer:
        if next(left, None) is None:
            raise KeyboardInterrupt
        return by_id(applications, monitor)

    return replace(SCORER, rule=rule)


def counting() -> tuple[RuleScorer, list[int]]:
    """A scorer, and the rows of each part that it was given."""
    rows: list[int] = []

    def rule(applications: Applications, monitor: Monitor) -> Answer:
        rows.append(len(applications))
        return by_id(applications, monitor)

    return replace(SCORER, rule=rule), rows


@pytest.mark.parametrize("part_rows", [7, 1000])
def test_each_file_of_a_folder_has_the_bytes_of_scoring_it_alone(
    batch: Batch, alone: dict[str, bytes], part_rows: int
) -> None:
    done = batch.score(part_rows)
    assert batch.results() == alone
    assert not batch.work.exists()
    assert done.tally.rows == done.tally.scored + sum(done.tally.rejected.values()) == 60 + 30 + 40
    assert set(done.tally.rejected) == {"type", "unique"}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=6)
@given(first=st.integers(1, 70), second=st.integers(1, 70), stop=st.integers(0, 8))
def test_a_run_that_is_cut_and_stopped_anywhere_is_resumed_to_the_same_bytes(
    batch: Batch, alone: dict[str, bytes], first: int, second: int, stop: int
) -> None:
    stopped = False
    try:
        batch.score(first, scorer=stopping_after(stop), force=True)
    except KeyboardInterrupt:
        stopped = True
    if stopped:
        shutil.rmtree(batch.out, ignore_errors=True)  # of the example before
        done = batch.score(second, resume=True)
        assert done.n_resumed <= done.tally.rows == 130
    assert batch.results() == alone


def test_a_resumed_run_answers_no_part_twice(batch: Batch, alone: dict[str, bytes]) -> None:
    with pytest.raises(KeyboardInterrupt):
        batch.score(10, scorer=stopping_after(8))
    scorer, answered = counting()
    done = batch.score(10, scorer=scorer, resume=True)
    assert len(answered) == 6 + 3 + 4 - 8
    assert done.n_resumed == 60 + 20
    assert batch.results() == alone


@contextmanager
def snapshots(folder: Path, into: Path) -> Iterator[list[Path]]:
    """Copy the folder before every step that makes a write durable or visible: what a kill at that moment leaves."""
    taken: list[Path] = []
    one_at_a_time = RLock()  # a part is written while the next is read
    steps = {
        (os, "fsync"): os.fsync,
        (os, "link"): os.link,
        (Path, "replace"): Path.replace,
        (Path, "unlink"): Path.unlink,
    }

    def spied(step: object) -> object:
        def spy(*arguments: object, **more: object) -> object:
            with one_at_a_time:
                taken.append(into / f"{len(taken):03d}")
                shutil.copytree(folder, taken[-1])
                return step(*arguments, **more)  # type: ignore[operator]

        return spy

    with pytest.MonkeyPatch.context() as patch:
        for (owner, name), step in steps.items():
            patch.setattr(owner, name, spied(step))
        yield taken


def test_a_kill_at_any_step_that_makes_a_write_visible_loses_and_doubles_nothing(tmp_path: Path) -> None:
    whole = Batch(tmp_path / "whole")
    whole.write(12)
    with snapshots(whole.folder, tmp_path / "killed") as taken:
        whole.score(8)
    results, n_resumed = whole.results(), set()
    assert len(taken) > 40
    for folder in taken:
        killed = Batch(folder)
        if unfinished(str(killed.work)) is None and killed.out.exists() and killed.results() == results:
            continue  # all is published
        n_resumed.add(killed.score(8, resume=True).n_resumed)
        assert killed.results() == results, folder
        assert not killed.work.exists()
    assert {0, 8, 12, 26} <= n_resumed


def _first_part(batch: Batch) -> tuple[Job, ReadPart]:
    """A run that was stopped at its first part, and that part."""
    with pytest.raises(KeyboardInterrupt):
        batch.score(7, scorer=stopping_after(1))
    plan = unfinished(str(batch.work))
    assert plan is not None
    job = Job(Work(str(batch.work), plan.digest), SCORER.schema, ReadOptions(7), ())
    part = next(read_parts(job, batch.given().files[0]))
    assert isinstance(part, ReadPart)
    return job, part


def test_a_part_that_two_workers_answer_is_committed_once(batch: Batch, alone: dict[str, bytes]) -> None:
    job, part = _first_part(batch)
    assert part.rows.first == 8
    before = contents(batch.work)
    assert job.work.commit("a.csv", part.input_sha256, part.rows, b"first")
    assert not job.work.commit("a.csv", part.input_sha256, part.rows, b"second")
    (fresh,) = set(contents(batch.work)) - set(before)
    assert contents(batch.work)[fresh] == b"first"
    (batch.work / fresh).unlink()
    batch.score(7, resume=True)
    assert batch.results() == alone


def test_a_worker_that_outlived_its_run_changes_nothing(batch: Batch, alone: dict[str, bytes]) -> None:
    job, part = _first_part(batch)
    other = replace(SCORER, model_id="m2")
    batch.score(7, scorer=other, force=True)
    results = batch.results()
    assert results != alone
    file = batch.given().files[0]
    with pytest.raises(RunError, match=r"out\.parts is gone"):
        commit_part(job, file, part, answer_part(SCORER, job, file, part))
    assert batch.results() == results
    assert not batch.work.exists()


def test_an_unfinished_run_is_in_the_way_until_it_is_resumed_or_replaced(batch: Batch, alone: dict[str, bytes]) -> None:
    with pytest.raises(KeyboardInterrupt):
        batch.score(scorer=stopping_after(3))
    with pytest.raises(ContractError, match=r"an earlier run left .*out\.parts unfinished"):
        batch.score()
    with pytest.raises(ContractError, match="belongs to another run \\(model: m1 then, m2 now\\)"):
        batch.score(scorer=replace(SCORER, model_id="m2"), resume=True)
    (batch.data / "later.csv").write_bytes((batch.data / "a.csv").read_bytes())
    with pytest.raises(ContractError, match="belongs to another run \\(files"):
        batch.score(resume=True)
    (batch.data / "later.csv").unlink()
    assert batch.score(force=True).n_resumed == 0
    assert batch.results() == alone
    with pytest.raises(ContractError, match=r"a\.csv exists, a finished file"):
        batch.score()


def test_parts_of_an_input_that_changed_are_not_used(batch: Batch) -> None:
    with pytest.raises(KeyboardInterrupt):
        batch.score(10, scorer=stopping_after(8))
    changed = (batch.data / "a.csv").read_text().splitlines(keepends=True)
    (batch.data / "a.csv").write_text("".join([changed[0], *changed[2:]]))
    done = batch.score(10, resume=True)
    assert done.n_resumed == 20
    assert done.files[0].tally.rows == 59
    assert b"\n59," in batch.results()["a.csv"] + batch.results()["a.csv.rejects.csv"]


def test_an_input_that_changed_once_it_was_published_is_not_taken_for_done(tmp_path: Path) -> None:
    whole = Batch(tmp_path / "whole")
    whole.write(12)
    with snapshots(whole.folder, tmp_path / "killed") as taken:
        whole.score(8)
    killed = Batch(next(folder for folder in taken if any((folder / "out.parts").glob("*/a.csv/done.json"))))
    with (killed.data / "a.csv").open("a") as file:
        file.write("\n")
    with pytest.raises(ContractError, match=r"belongs to another run \(sha256 of a\.csv: \w+ then, \w+ now\)"):
        killed.score(8, resume=True)
    assert killed.score(8, force=True).n_resumed == 0
    assert not killed.work.exists()


@pytest.mark.parametrize("fault", ["lost", "cut off", "altered", "renamed"])
def test_parts_that_do_not_add_up_to_the_input_are_refused(batch: Batch, fault: str) -> None:
    unlike = replace(SCORER, unlike=lambda _: (ColumnWarning("amount", "missing", Message("all are missing")),))
    with pytest.raises(UnlikeTrainingError, match="4 columns are unlike training"):
        batch.score(10, scorer=unlike, strict=True)  # all is answered, and nothing published
    assert not batch.out.exists()
    part = next(batch.work.glob("*/a.csv/*/000000000011-*.part"))
    content = part.read_bytes()
    match fault:
        case "lost":
            part.unlink()
            part.with_name("000000000011-000000000019.part").write_bytes(content)
        case "cut off":
            part.write_bytes(content[:-1])
        case "altered":
            part.write_bytes(content[:-2] + b"x\n")
        case "renamed":
            part.with_name("000000000010-000000000020.part").write_bytes(content)
    with pytest.raises(RunError, match=r"in no part|is damaged|in two parts|its counts do not add up"):
        batch.score(10, resume=True)
    assert not (batch.out / "a.csv").exists()


def test_a_file_that_breaks_the_contract_is_named_and_leaves_nothing(batch: Batch) -> None:
    (batch.data / "a.csv").write_text("name\nx\n")
    with pytest.raises(ContractError, match=r"in/a\.csv"):
        batch.score()
    assert not batch.work.exists()
    assert not batch.out.exists()


def test_a_resumed_run_never_takes_another_s_file_for_its_own(batch: Batch, alone: dict[str, bytes]) -> None:
    with pytest.raises(KeyboardInterrupt):
        batch.score(10, scorer=stopping_after(8))
    batch.out.mkdir()
    (batch.out / "c.parquet").write_bytes(b"a colleague's")
    with pytest.raises(ContractError, match=r"out/c\.parquet exists, a finished file. It is not this run's"):
        batch.score(10, resume=True)
    assert batch.results() == {"c.parquet": b"a colleague's"}
    (batch.out / "c.parquet").unlink()
    batch.score(10, resume=True)
    assert batch.results() == alone


def test_a_file_that_appears_while_a_run_publishes_is_kept_and_named(
    batch: Batch, alone: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = Work.mark_publishing

    def late(work: Work) -> None:
        mark(work)
        (batch.out / "sub").mkdir(parents=True)
        (batch.out / "sub" / "b.csv.gz").write_bytes(b"a colleague's")

    monkeypatch.setattr(Work, "mark_publishing", late)
    for resume in (False, True):
        with pytest.raises(ContractError, match=r"b\.csv\.gz exists, a finished file that is not this run's"):
            batch.score(resume=resume)
        monkeypatch.undo()
    (batch.out / "sub" / "b.csv.gz").unlink()
    assert batch.score(resume=True).n_resumed == 130
    assert batch.results() == alone


def test_a_run_that_was_begun_with_force_replaces_files_when_it_is_resumed_too(
    batch: Batch, alone: dict[str, bytes]
) -> None:
    batch.score(scorer=replace(SCORER, model_id="m2"))
    with pytest.raises(KeyboardInterrupt):
        batch.score(10, scorer=stopping_after(8), force=True)
    batch.score(10, resume=True)
    assert batch.results() == alone


def test_the_next_part_is_read_while_one_is_answered(batch: Batch, monkeypatch: pytest.MonkeyPatch) -> None:
    is_read, n_read = Condition(), 0

    def counted(*arguments: Any, **more: Any) -> Iterator[Chunk]:
        nonlocal n_read
        for chunk in read_chunks(*arguments, **more):
            with is_read:
                n_read += 1
                is_read.notify_all()
            yield chunk

    answered = 0

    def rule(applications: Applications, monitor: Monitor) -> Answer:
        nonlocal answered
        answered += 1
        with is_read:
            assert is_read.wait_for(lambda: n_read > answered or answered == 9, timeout=30)
        return by_id(applications, monitor)

    monkeypatch.setattr("experiments.score.parts.steps.read_chunks", counted)
    for name in ("sub/b.csv.gz", "c.parquet", "none.csv"):
        (batch.data / name).unlink()
    batch.score(7, scorer=replace(SCORER, rule=rule))
    assert answered == 9
