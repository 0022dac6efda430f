"""Sources of a run: what is shown, logged and left behind."""

from __future__ import annotations

import json
import os
import signal
import tempfile
from pathlib import Path

import pytest

from data_schemas.errors import ContractError
from experiments.compare.rows import ComparedFiles
from experiments.pretrain.texts import Texts
from experiments.schema.infer.sources import source_files
from experiments.session import sources
from experiments.session.run import Run
from experiments.session.sources import all_counts, remove_rejects, with_sources
from features.tables.reader import ReadOptions
from tests.support.command_line import creditfusion
from tests.support.joins import ACCOUNTS, APPLICATIONS, schema_with, source, write

SCHEMA = schema_with(source(ACCOUNTS, texts=[{"name": "notes", "of": "note"}]))
RECORDS = ["1,A,2024-04-01,5,open,x", "2,Grimm,2024-04-01,Rapunzel,open,x", "3,Stroh,2024-04-01,7,open,x"]
RECORDS += ["Holle,A,2024-04-01,8,open,x", "Holle,A,2024-04-02,9,open,x"]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    write(tmp_path / "app.csv", "id,decided,amount", ["A,2024-05-01,10", "B,2024-06-01,20"])
    write(tmp_path / "bureau.csv", "account,id,day,balance,status,note", RECORDS)
    return tmp_path


def join(folder: Path, label: str = "") -> ReadOptions:
    with Run.start("score", folder / "out", {}) as run:
        given = [f"bureau={folder / 'bureau.csv'}"]
        return with_sources(run, [folder / "app.csv"], SCHEMA, given, ReadOptions(), threads=1, label=label)


def test_the_log_holds_counts_and_no_cell(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    join(files, "challenger")
    log = (files / "out.log.jsonl").read_text()
    assert not [cell for cell in ("Rapunzel", "Grimm", "Stroh", "Holle") if cell in log]
    entries = [json.loads(line) for line in log.splitlines()]
    (counts,) = [line["source"] for line in entries if "source" in line]
    assert counts["first_rejects"] == [{"row": 2, "column": "balance", "rule": "type"}]
    assert (counts["n_rejected"], counts["n_orphans"], counts["orphan_rows"]) == (1, 1, [3])
    assert "challenger: source bureau: 5 records" in capsys.readouterr().err
    rejects = files / "out.challenger.source_rejects.csv"
    assert [(line["source_rejects"], line["n_rejected"]) for line in entries if "n_rejected" in line] == [
        (str(rejects), 1)
    ]
    assert "Rapunzel" in rejects.read_text()


def test_rejects_of_an_earlier_run_are_removed(files: Path) -> None:
    join(files)
    assert (files / "out.source_rejects.csv").exists()
    write(files / "bureau.csv", "account,id,day,balance,status,note", RECORDS[:1])
    options = join(files)
    assert not (files / "out.source_rejects.csv").exists()
    assert [one["n_read"] for one in all_counts(options)] == [1]
    with Run.start("schema check", None, {}) as run:
        remove_rejects(run)


def test_sigterm_in_a_join_leaves_no_folder(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (files / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(files / "tmp"))
    handler = signal.getsignal(signal.SIGTERM)

    def end(_table: str, _rows: int) -> None:
        assert list((files / "tmp").iterdir())
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(sources, "_advancing", lambda _: end)
    with pytest.raises(KeyboardInterrupt):
        join(files)
    assert not list((files / "tmp").iterdir())
    assert signal.getsignal(signal.SIGTERM) is handler


def test_a_check_of_several_files_joins_once(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = {**APPLICATIONS["creditfusion"], "sources": [ACCOUNTS]}
    (files / "my.schema.json").write_text(json.dumps({**APPLICATIONS, "creditfusion": own}))
    write(files / "more.csv", "id,decided,amount", ["Grimm,2024-05-01,10"])
    given = ["--schema", files / "my.schema.json", "--source", f"bureau={files / 'bureau.csv'}", "--json"]
    assert creditfusion("schema", "check", files / "app.csv", files / "more.csv", *given) == 0
    found = json.loads(capsys.readouterr().out)
    assert [(one["n_applications"], one["n_read"]) for one in found["sources"]] == [(3, 5)]
    assert [one["rows"] for one in found["files"]] == [2, 1]


def test_texts_to_learn_from_take_sources_for_tables_alone(files: Path) -> None:
    (files / "letters.txt").write_text("a letter\n")
    with Run.start("pretrain", None, {}) as run:
        texts = Texts((files / "letters.txt", files / "app.csv"), SCHEMA, (), ReadOptions())
        joined = texts.with_sources([f"bureau={files / 'bureau.csv'}"], 1, run)
        assert [one["n_applications"] for one in all_counts(joined.options)] == [2]
        plain = Texts((files / "letters.txt",), SCHEMA, (), ReadOptions())
        assert plain.with_sources((), 1, run) is plain
        with pytest.raises(ContractError, match="--source is for tables"):
            plain.with_sources(["bureau=x.csv"], 1, run)


def test_of_two_schemas_each_gets_its_own_sources() -> None:
    files = ComparedFiles((), None, ReadOptions(), (" bureau = x.csv", "calls=y.csv"))
    assert files.sources_of(schema_with(), SCHEMA) == ["calls=y.csv"]


@pytest.mark.parametrize("place", ["lake.duckdb#accounts", "postgresql://u:s3cret@h/d#t"])
def test_a_draft_reads_no_database(place: str) -> None:
    with pytest.raises(ContractError, match=r"lies in a database, and drafting reads files. Export") as caught:
        source_files([f"bureau={place}"])
    assert "s3cret" not in str(caught.value)
    with pytest.raises(ContractError, match="gives the source no name") as caught:
        source_files(["postgresql://u:s3cret@h/d?sslmode=require#t"])
    assert "s3cret" not in str(caught.value)
