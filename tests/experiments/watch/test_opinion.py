"""A watch of dated texts without a model, from its command to its page."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from tests.support.command_line import creditfusion

TEXTS = {
    "card": (
        "My card was declined at the shop.",
        "The card works and the clerk was friendly.",
        "I ordered a new card.",
    ),
    "mortgage": ("The mortgage payment was lost.", "The mortgage team was helpful.", "The mortgage was transferred."),
}
OPENINGS = ("Hello.", "Last week:", "Dear sirs,", "For the record.", "In short:", "I write again.", "Good day.")
FALLEN = ("The mortgage company cheated us, it is a disgrace.", "Awful, they stole our mortgage payment.")
SCHEMA = {
    "fields": [
        {"name": "id", "type": "string", "creditfusion": {"role": "id"}},
        {"name": "day", "type": "date", "creditfusion": {"role": "decision_date"}},
        {"name": "text", "type": "string", "creditfusion": {"role": "narrative"}},
    ],
    "creditfusion": {"version": 1, "name": "letters"},
}


def _write(path: Path, months: range, fallen: bool = False) -> Path:
    """A hundred texts a month."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "day", "text"])
        for month in months:
            rng = np.random.default_rng(month)
            for at in range(100):
                topic = "card" if rng.random() < 0.5 else "mortgage"
                bad = topic == "mortgage" and (fallen or rng.random() < 0.1)
                texts = FALLEN if bad else TEXTS[topic]
                writer.writerow(
                    [
                        f"{month}-{at}",
                        f"2025-{month:02d}-{at % 28 + 1:02d}",
                        f"{rng.choice(OPENINGS)} {rng.choice(texts)}",
                    ]
                )
    return path


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nine quiet months in one run, and one of bad news in the next."""
    folder = tmp_path_factory.mktemp("letters")
    (folder / "letters.schema.json").write_text(json.dumps(SCHEMA), encoding="utf-8")
    arguments = ["watch", "--schema", str(folder / "letters.schema.json"), "--period", "month"]
    arguments += ["--out", str(folder / "out"), "--cache", str(folder / "cache"), "--data"]
    assert creditfusion(*arguments, _write(folder / "quiet.csv", range(1, 10))) == 0
    assert creditfusion(*arguments, _write(folder / "bad.csv", range(10, 11), fallen=True)) == 5
    return folder / "out"


@pytest.mark.slow
def test_bad_news_alarm_in_their_first_month_and_nothing_before(watched: Path) -> None:
    alerts = [json.loads(line) for line in (watched / "alerts.jsonl").read_text(encoding="utf-8").splitlines()]
    assert {alert["period"] for alert in alerts} == {"2025-10"}
    assert {alert["check"] for alert in alerts} & {"topic_volume", "topic_sentiment", "sentiment"}
    page = json.loads((watched / "watch.json").read_text(encoding="utf-8"))
    chapter = next(section for section in page["sections"] if section["key"] == "opinion")
    assert chapter["findings"][0]["grade"] == "note"
    assert [table["key"] for table in chapter["tables"]] == ["opinion_changes", "opinion_topics"]
    assert [plot["gap"] for plot in chapter["plots"]] == [""]
    for name in ("watch.html", "watch.json", "alerts.jsonl"):
        assert "disgrace" not in (watched / name).read_text(encoding="utf-8")
