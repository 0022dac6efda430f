"""From a file in GB18030 with Chinese headers, levels, dates and narratives to a report, without an edit by hand."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.support.bundles import SMALL
from tests.support.chinese import HOME, ID, INCOME, LETTERS, OUTCOME, STATEMENT, chinese_loans
from tests.support.command_line import creditfusion
from tests.support.tiny_bert import LETTERS as LATIN
from tests.support.tiny_bert import tiny_bert

DECIDED, OPENED, TERM, LATE, SEX, MARRIED = "审批日期", "开户日期", "期限", "逾期天数", "性别", "婚姻状况"


def _day(day: np.datetime64) -> str:
    year, month, of_month = str(day).split("-")
    return f"{year}年{int(month)}月{int(of_month)}日"


def _lender(n: int, seed: int, since: str) -> pd.DataFrame:
    """Applications as a lender in China keeps them: words, units, dates and amounts of its own."""
    table, random = chinese_loans(n, seed).table, np.random.default_rng(seed)
    decided = np.datetime64(since) + np.sort(random.integers(0, 360, n))
    bad = (table[OUTCOME] == "违约").to_numpy()
    table[INCOME] = [f"{value:,}.00元" for value in table[INCOME]]
    table[OUTCOME] = np.where(random.random(n) < 0.05, "还款中", np.where(bad, "违约", "已结清"))
    more = {
        DECIDED: [_day(day) for day in decided],
        OPENED: [_day(day - int(back)) for day, back in zip(decided, random.integers(200, 6000, n), strict=True)],
        TERM: [f"{months}个月" for months in random.choice([12, 24, 36], n)],
        LATE: np.where(bad, random.integers(90, 300, n), 0).tolist(),
        SEX: random.choice(["男", "女"], n).tolist(),
        MARRIED: random.choice(["已婚", "未婚", "离异"], n).tolist(),
    }
    return table.assign(**more).rename(columns={OUTCOME: "贷款状态"})


@pytest.mark.slow
def test_a_chinese_file_goes_from_draft_to_report_without_an_edit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    past, later, schema, model = (tmp_path / name for name in ("贷款.csv", "later.csv", "zh.schema.json", "model"))
    _lender(700, 0, "2019-01-01").to_csv(past, index=False, encoding="gb18030")
    _lender(300, 1, "2020-01-01").to_csv(later, index=False, encoding="gb18030")
    encoder = tiny_bert(tmp_path / "encoder", letters=LETTERS + LATIN)
    settings = [word for one in (f"encoder.source='{encoder}'", *SMALL) for word in ("--set", one)]
    assert creditfusion("schema", "infer", past, "--out", schema, "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["missing"], answer["suspects"], answer["leaks"]) == ([], [], [LATE])
    assert answer["outcome"]["question"] is None
    assert [list(answer["outcome"][kind]) for kind in ("bad", "good", "undecided")] == [
        ["违约"],
        ["已结清"],
        ["还款中"],
    ]
    roles = {column["name"]: (column["role"], column["type"]) for column in answer["columns"]}
    assert roles == {
        ID: ("id", "string"),
        INCOME: ("feature", "integer"),
        HOME: ("feature", "string"),
        STATEMENT: ("narrative", "string"),
        "贷款状态": ("target", "string"),
        DECIDED: ("decision_date", "date"),
        OPENED: ("feature", "date"),
        TERM: ("feature", "integer"),
        LATE: ("ignored", "integer"),
        SEX: ("protected", "string"),
        MARRIED: ("protected", "string"),
    }
    assert creditfusion("train", "--schema", schema, "--data", past, "--out", model, "--no-cache", *settings) == 0
    scored, checks, reports = tmp_path / "scored.csv", tmp_path / "checks", tmp_path / "reports"
    own = ("--model", model, "--data", later, "--no-cache")
    assert creditfusion("score", *own, "--out", scored, "--strict") == 0
    assert creditfusion("evaluate", *own, "--out", checks, "--no-reread") == 0
    assert creditfusion("explain", *own, "--out", reports, "--top", 1, "--fast") == 0
    with scored.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 300
    assert all(row["reason_1_wording"] != "[no wording]" for row in rows)
    (page,) = (path for path in reports.glob("*.html") if path.name != "index.html")
    words = page.read_text(encoding="utf-8")
    for shown in (INCOME, HOME, STATEMENT):
        assert shown in words
