from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from data_schemas.contract import Dialect
from data_schemas.dates import DEFAULT
from data_schemas.fields import Role
from data_schemas.reader import parse_schema
from features.inference.draft import Draft, draft_schema, pretty_json
from features.inference.profile import profiles
from features.inference.sample import sample_rows
from features.inference.source_draft import find_record_date
from features.inference.source_keys import Key, find_key, key_table
from features.inference.sources import ApplicationsFile, DraftedSources, draft_sources

N = 600
RANDOM = np.random.default_rng(3)
BAD = np.arange(N) % 4 == 0
IDS = np.array([f"A{i:04}" for i in range(N)])
DAYS = pd.Timestamp("2022-01-01") + pd.to_timedelta(np.arange(N) % 300, unit="D")


def applications() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "loan_id": IDS,
            "branch": RANDOM.choice(["1", "2"], N),
            "applied_on": DAYS.strftime("%Y-%m-%d"),
            "income": RANDOM.integers(20_000, 90_000, N).astype(str),
            "outcome": np.where(BAD, "defaulted", "repaid"),
        }
    )


def accounts(n_after: int = 0) -> pd.DataFrame:
    """Three reports per application before its decision; the first ``n_after`` applications have one after it, which
    says how the loan ended.
    """
    owner = np.repeat(np.arange(N), 3)
    age = RANDOM.integers(1, 200, len(owner))
    status = RANDOM.choice(["open", "closed", "late"], len(owner))
    status[BAD[owner] & (RANDOM.random(len(owner)) < 0.3)] = "late"
    after = np.arange(n_after)
    owner, age = np.append(owner, after), np.append(age, np.full(n_after, -100))
    status = np.append(status, np.where(BAD[after], "charged off", "paid"))
    reported = DAYS[owner] - pd.to_timedelta(age, unit="D")
    return pd.DataFrame(
        {
            "account": [f"C{i:05}" for i in range(len(owner))],
            "loan_id": IDS[owner],
            "opened": (reported - pd.Timedelta(days=900)).strftime("%Y-%m-%d"),
            "reported": reported.strftime("%Y-%m-%d"),
            "status": status,
            "balance_usd": RANDOM.integers(0, 9_000, len(owner)).astype(str),
        }
    )


def notes(keys: Any) -> pd.DataFrame:
    words = ["called", "about", "rent", "invoice", "soon", "paper", "budget", "letter"]
    texts = [" ".join(RANDOM.choice(words, 9)) for _ in keys]
    day = (DAYS[0] - pd.Timedelta(days=20)).strftime("%Y-%m-%d")
    return pd.DataFrame({"account": keys, "day": [day] * len(texts), "note": texts})


def drafted(
    folder: Path, rows: int = 10_000, loans: pd.DataFrame | None = None, **tables: pd.DataFrame
) -> DraftedSources:
    path = folder / "loans.csv"
    (applications() if loans is None else loans).to_csv(path, index=False)
    paths = {name: folder / f"{name}.csv" for name in tables}
    for name, table in tables.items():
        table.to_csv(paths[name], index=False)
    sample = sample_rows(path, rows)
    draft: Draft = draft_schema(sample.table, "loans", "a test")
    samples = {name: sample_rows(at, rows) for name, at in paths.items()}
    return draft_sources(draft, ApplicationsFile(path, Dialect(), sample), samples, paths)


def roles(found: DraftedSources, name: str) -> dict[str, Role]:
    source = next(one for one in found.sources if one.name == name)
    return {guess.column.name: guess.role for guess in source.guesses}


def test_a_source_is_drafted_with_key_date_roles_and_proposals(tmp_path: Path) -> None:
    found = drafted(tmp_path, bureau=accounts())
    (source,) = found.sources
    assert source.key == Key(("loan_id",), ("loan_id",), "", share=1.0, covered=1.0)
    assert source.date == "reported"
    assert source.per_owner == "up to 3"
    assert roles(found, "bureau") == {
        "account": Role.ID,
        "loan_id": Role.GROUP,
        "opened": Role.IGNORED,
        "reported": Role.FEATURE,
        "status": Role.FEATURE,
        "balance_usd": Role.FEATURE,
    }
    counts = ("bureau_count", "bureau_days_since_last", "bureau_count_90d")
    balances = tuple(f"bureau_balance_usd_{kind}" for kind in ("sum", "mean", "max", "last"))
    assert source.proposals[:8] == (*counts, *balances, "bureau_status_late_share")
    assert found.doubts == {"bureau": ()}
    schema = parse_schema(pretty_json(found.draft.document), "the draft")
    assert schema["bureau_balance_usd_mean"].unit == "USD"
    assert schema["bureau_count"].reason is not None
    parts = found.draft.document["creditfusion"]["sources"][0]["creditfusion"]["aggregates"]
    assert all(part["guess"].startswith("drafted: ") for part in parts)


def test_records_after_the_decision_that_know_the_outcome_are_suspect(tmp_path: Path) -> None:
    found = drafted(tmp_path, bureau=accounts(n_after=300))
    first, late = found.doubts["bureau"]
    assert first.startswith("SUSPECT records after the decision know the outcome: status (alone its values separate")
    assert "Only reported keeps them out" in first
    assert late == "14.3% of the records are dated on or after the decision; reported keeps them out"
    assert "charged_off" not in " ".join(found.sources[0].proposals)


def test_a_column_that_knows_the_outcome_is_suspect_where_the_date_hides_it(tmp_path: Path) -> None:
    """The opening of an account lies before the decision; what is reported of it may not."""
    table = accounts(n_after=N).iloc[-N:].drop(columns="reported")
    found = drafted(tmp_path, bureau=table)
    assert found.sources[0].date == "opened"
    doubts = " ".join(found.doubts["bureau"])
    assert "status: SUSPECT record by record, alone its values separate the outcomes with an AUC of 1.00" in doubts
    assert "SUSPECT bureau_status_charged_off_share: " in doubts
    parts = found.draft.document["creditfusion"]["sources"][0]["creditfusion"]["aggregates"]
    marked = {part["name"] for part in parts if part["guess"].startswith("SUSPECT ")}
    assert marked >= {"bureau_status_charged_off_share", "bureau_status_paid_share"}


def test_columns_that_speak_of_what_follows_a_loan_are_suspect(tmp_path: Path) -> None:
    table = accounts().assign(recovered=RANDOM.integers(0, 50, 3 * N).astype(str))
    table["charge_off_date"] = (pd.to_datetime(table["reported"]) + pd.Timedelta(days=300)).dt.strftime("%Y-%m-%d")
    table["charge_off_date"] = table["charge_off_date"].where(np.arange(3 * N) % 9 == 0, "")
    doubts = " ".join(drafted(tmp_path, bureau=table).doubts["bureau"])
    assert "recovered: SUSPECT its name speaks of what follows a loan" in doubts
    assert "charge_off_date: LEAK? it lies after reported in 100% of the rows" in doubts


def test_a_source_may_go_through_another(tmp_path: Path) -> None:
    bureau = accounts()
    found = drafted(tmp_path, calls=notes(bureau["account"][::4].to_numpy()), bureau=bureau)
    assert [source.name for source in found.sources] == ["bureau", "calls"]
    assert found.sources[1].key.through == "bureau"
    assert roles(found, "calls")["note"] is Role.NARRATIVE
    schema = parse_schema(pretty_json(found.draft.document), "the draft")
    assert schema["calls_note"].role is Role.NARRATIVE
    assert found.tried is not None
    assert found.tried.reports["calls"].n_orphans == 0


def test_a_key_of_two_columns_is_found_where_one_is_none() -> None:
    loans = pd.DataFrame({"branch": ["B1", "B2"] * 10, "number": [str(i // 2) for i in range(20)]})
    bills = loans.sample(frac=0.8, random_state=1).assign(amount="3.5")
    key = find_key(key_table("bills", profiles(bills)), [key_table("", profiles(loans))])
    assert key is not None
    assert (key.columns, key.to, key.share, key.covered) == (("branch", "number"), ("branch", "number"), 1.0, 0.8)


def test_small_numbers_that_happen_to_be_alike_are_no_key() -> None:
    loans = pd.DataFrame({"loan_id": [str(i) for i in range(500)]})
    bills = pd.DataFrame({"loan": [str(i) for i in range(500)], "amount": [str(i % 300) for i in range(500)]})
    assert find_key(key_table("bills", profiles(bills[["amount"]])), [key_table("", profiles(loans))]) is None


def test_keys_that_are_written_otherwise_are_found_and_doubted(tmp_path: Path) -> None:
    loans = applications().assign(loan_id=[f"{i:05}" for i in range(N)])
    table = accounts()
    table["loan_id"] = [f"{int(one[1:])}.0" for one in table["loan_id"]]
    found = drafted(tmp_path, loans=loans, bureau=table)
    assert found.doubts["bureau"][0].startswith("keys match only without leading zeros, a trailing .0")
    assert found.tried is None


def test_a_source_without_a_date_or_without_a_key_is_asked_about(tmp_path: Path) -> None:
    table = accounts().drop(columns=["opened", "reported"])
    stray = pd.DataFrame({"code": [f"Z{i}" for i in range(50)], "x": [str(i) for i in range(50)]})
    found = drafted(tmp_path, bureau=table, stray=stray)
    assert found.untied == ("stray",)
    assert [source.name for source in found.sources] == ["bureau"]
    assert "the source 'bureau' has no date" in found.draft.missing[0]
    assert found.tried is None


def test_the_date_of_a_record_is_the_latest_that_nearly_all_have() -> None:
    table = pd.DataFrame(
        {
            "opened": ["2020-01-01", "2020-02-01", "2020-03-01"] * 10,
            "updated": ["2021-01-01", "2021-02-01", "2021-03-01"] * 10,
            "entered": ["2020-06-01", "2020-07-01", "2020-08-01"] * 10,
            "due": ["2025-01-01", "2025-02-01", "2025-03-01"] * 10,
            "seen": ["2024-01-01", "", ""] * 10,
        }
    )
    found = find_record_date(list(profiles(table).values()))
    assert found is not None
    assert found.name == "updated"
    assert found.format == DEFAULT
    assert find_record_date([]) is None


def test_keys_are_looked_for_in_the_whole_file_of_applications(tmp_path: Path) -> None:
    found = drafted(tmp_path, rows=150, bureau=accounts())
    assert found.sources[0].key.share == 1.0
    assert found.sources[0].key.covered == pytest.approx(0.22, abs=0.06)
    assert found.tried is not None
    assert found.tried.reports["bureau"].n_read == 3 * N
