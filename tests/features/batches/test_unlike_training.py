"""Columns of a batch that are unlike the training rows get one warning each, and drift of applicants gets none."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.arrays import Flags
from features.batches.column_counts import Counts, Profiles, count_columns, profile_columns, summed
from features.batches.warnings import ColumnWarning, unlike_training
from features.tables.applications import Applications
from features.tabular import TabularEncoder
from tests.support.small import applications, row, small_schema

TOWNS = ("Ulm", "Köln", "São Paulo", "12", "A-", "A", "new_york", "Straße 3")


def training_rows(n: int = 400, seed: int = 1) -> list[list[str]]:
    random = np.random.default_rng(seed)
    incomes, amounts = random.lognormal(10.6, 0.5, n), random.lognormal(9.0, 0.6, n)
    return [
        row(
            id=str(i),
            income="" if i % 11 == 0 else f"{incomes[i]:.0f}",
            amount=f"{amounts[i]:.2f}",
            loans=str(random.integers(0, 9)),
            owner=str(random.integers(0, 2)),
            home=("rent", "own")[i % 2],
            town=TOWNS[i % len(TOWNS)],
            since=f"20{random.integers(0, 20):02d}-03-{random.integers(1, 28):02d}",
            note="" if i % 3 else f"A car, number {i}.",
        )
        for i in range(n)
    ]


class Lender:
    """What a bundle keeps of training rows, and what a batch gives beside it."""

    def __init__(self, past: Applications) -> None:
        self.tabular = TabularEncoder.fit(past)
        self.profiles: Profiles = profile_columns(past, self.tabular, read_all(past))

    def counts(self, batch: Applications) -> Counts:
        return count_columns(batch, self.tabular, self.profiles, read_all(batch))

    def warnings(self, batch: Applications) -> tuple[ColumnWarning, ...]:
        return unlike_training(self.profiles, self.counts(batch), small_schema())

    def kinds(self, batch: Applications) -> dict[str, str]:
        return {warning.column: warning.kind for warning in self.warnings(batch)}


def read_all(batch: Applications) -> Flags:
    return np.zeros((len(batch), len(batch.schema.narratives)), dtype=np.bool_)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("batches")


@pytest.fixture(scope="module")
def lender(folder: Path) -> Lender:
    return Lender(applications(folder, training_rows()))


def changed(rows: Sequence[Sequence[str]], **cells: Sequence[str] | str) -> list[list[str]]:
    """The rows with some cells changed: one text for all rows, or one for each."""
    return [
        row(**dict(zip(NAMES, own, strict=True)) | {k: v if isinstance(v, str) else v[at] for k, v in cells.items()})
        for at, own in enumerate(rows)
    ]


NAMES = "id asked income amount loans owner home town since note sex clerk outcome".split()  # noqa: SIM905 (shorter)


def scaled(rows: Sequence[Sequence[str]], column: str, power: int) -> list[list[str]]:
    at = NAMES.index(column)
    return changed(rows, **{column: [f"{float(own[at]) * 10**power!r}" if own[at] else "" for own in rows]})


def test_the_training_rows_themselves_never_warn(folder: Path) -> None:
    for seed in range(5):
        past = applications(folder, training_rows(60 + 40 * seed, seed))
        assert Lender(past).warnings(past) == ()


@given(st.integers(0, 399), st.integers(1, 200))
@settings(max_examples=60, deadline=None)
def test_no_part_of_the_training_rows_warns(folder: Path, lender: Lender, start: int, n: int) -> None:
    batch = applications(folder, training_rows()[start : start + n])
    assert lender.warnings(batch) == ()


def test_applicants_who_drift_do_not_warn(folder: Path, lender: Lender) -> None:
    later = [own for own in training_rows(900, 7) if float(own[3]) > 6000]
    at = NAMES.index("income")
    later = changed(later, income=[f"{float(own[at]) * 1.6:.0f}" if own[at] else "" for own in later])
    assert lender.warnings(applications(folder, later)) == ()


@given(st.sampled_from(["income", "amount"]), st.sampled_from([-3, -2, -1, 1, 2, 3]), st.integers(40, 400))
@settings(max_examples=40, deadline=None)
def test_a_shift_by_a_power_of_ten_is_found(folder: Path, lender: Lender, column: str, power: int, n: int) -> None:
    batch = applications(folder, scaled(training_rows(n, 3), column, power))
    (warning,) = lender.warnings(batch)
    factor = f"{10 ** abs(power):,}"
    assert (warning.column, warning.kind) == (column, "power_of_ten")
    assert (f"about {factor} times" if power > 0 else f"a {factor}th of") in str(warning.message)


SPELLINGS = st.sampled_from(
    [
        str.upper,
        str.title,
        str.swapcase,
        lambda level: unicodedata.normalize("NFKD", level.upper()),
        lambda level: level.replace(" ", "  ").replace("_", " ") + "\u200b",
        lambda level: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in level),
        lambda level: level + ".0" if level.isdigit() else level.upper(),
    ]
)


@given(SPELLINGS, st.integers(1, 40))
@settings(max_examples=60, deadline=None)
def test_every_other_spelling_of_a_level_is_named(folder: Path, lender: Lender, spell: object, n: int) -> None:
    assert callable(spell)
    rows = training_rows(40)
    towns = [spell(TOWNS[at % len(TOWNS)]) if at < n else TOWNS[at % len(TOWNS)] for at in range(40)]
    batch = applications(folder, changed(rows, town=towns))
    spelled = {
        unicodedata.normalize("NFC", town): TOWNS[at % len(TOWNS)]
        for at, town in enumerate(towns)
        if unicodedata.normalize("NFC", town) not in TOWNS
    }
    warnings = lender.warnings(batch)
    assert {warning.column for warning in warnings} == ({"town"} if spelled else set())
    for spelling, level in list(spelled.items())[:5] if len(spelled) <= 5 else ():
        assert f"{spelling!r}: perhaps {level!r}" in str(warnings[0].message)


@pytest.mark.parametrize(
    ("cells", "kinds"),
    [
        ({"income": ""}, {"income": "missing"}),
        ({"town": ""}, {"town": "missing"}),
        ({"town": "Atlantis"}, {"town": "unknown"}),
        ({"home": "1.0"}, {"home": "unknown"}),
        ({"amount": "9000"}, {"amount": "constant"}),
        ({"home": "rent"}, {"home": "constant"}),
        ({"loans": [str(90 + i % 10) for i in range(60)]}, {"loans": "outside"}),
        ({"loans": "55"}, {"loans": "outside"}),
        ({"since": "2060-01-01"}, {"since": "constant", "years": "outside"}),
        ({"note": "n/a"}, {"note": "missing"}),
        ({"note": "See the file."}, {"note": "constant"}),
        ({"income": "", "town": "ULM"}, {"income": "missing", "town": "unknown"}),
    ],
)
def test_what_nearly_all_rows_have_is_one_warning(
    folder: Path, lender: Lender, cells: dict[str, str | list[str]], kinds: dict[str, str]
) -> None:
    rows = training_rows(60, 5)
    assert lender.kinds(applications(folder, changed(rows, **cells))) == kinds
    odd = [*changed(rows[:57], **cells), *rows[57:]]
    assert lender.kinds(applications(folder, odd)) == kinds


def test_a_few_rows_do_not_warn(folder: Path, lender: Lender) -> None:
    assert lender.kinds(applications(folder, [row(id="1", income="", town="Atlantis")] * 1)) == {}
    assert lender.kinds(applications(folder, [])) == {}


@given(st.lists(st.integers(0, 120), max_size=5), st.randoms())
@settings(max_examples=40, deadline=None)
def test_counts_of_parts_add_up_in_any_order(folder: Path, lender: Lender, cuts: list[int], random: Random) -> None:
    towns = [f"ulm{i % 3}" if i % 2 else "ULM" for i in range(120)]
    batch = applications(folder, changed(training_rows(120), town=towns))
    bounds = sorted({0, 120, *cuts})
    parts = [batch.take(np.arange(a, b)) for a, b in pairwise(bounds)]
    random.shuffle(parts)
    total: Counts = {}
    for part in parts:
        total = summed(total, lender.counts(part))
    assert total == lender.counts(batch)


def test_a_profile_holds_no_text_of_an_application(lender: Lender) -> None:
    assert "number" not in repr(lender.profiles)
    assert set(lender.profiles["town"].levels) == set(TOWNS)
