"""Synthetic applications with a known risk rule, for trying creditfusion out. Nothing in them is real.

Applicants are drawn at random (seeded: equal arguments, equal bytes), their columns from plain distributions and their
narratives from the sentences of ``experiments.demo.sentences``. What an applicant mentions is drawn independently of
every column, so whatever the narratives tell of the risk, the columns do not. Two protected columns, sex and age, move
a few features a little and have no effect of their own.

The rule (``true_log_odds``) is a function of what the files show and of nothing hidden, with hinges, a square, an
interaction and the concepts' weights. So the AUC of the true log-odds is the best that any model can be expected to
reach, and a model can be held against it. The rule is no claim about real credit risk.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import expit

from experiments.demo.sentences import (
    CASUAL_TITLE_WEIGHT,
    CASUAL_TITLES,
    CONCEPTS,
    SMALL_TALK,
    STEADY_TITLES,
    fillings,
)
from features.arrays import Dates, Flags, Floats

INTERCEPT = -2.8
SHARE_WITHOUT_NARRATIVE = 1 / 3
SHARE_MISSING = {"annual_income": 0.03, "employment_years": 0.06, "dti": 0.03, "utilisation": 0.05, "home": 0.02}
SHARE_UNKNOWN_TO_BUREAU = 0.05
PURPOSES = {
    "debt_consolidation": 0.36,
    "credit_card": 0.18,
    "home_improvement": 0.12,
    "car": 0.08,
    "medical": 0.05,
    "education": 0.04,
    "small_business": 0.06,
    "wedding": 0.03,
    "moving": 0.03,
    "other": 0.05,
}
HOMES = {"rent": 0.46, "mortgage": 0.4, "own": 0.11, "other": 0.03}
FIRST_DAY = np.datetime64("2021-01-01")


@dataclass(frozen=True)
class DemoData:
    """Generated applications.

    table: the columns of the ``demo`` schema, the outcome included, as they go into a CSV file.
    log_odds: float64 (n,), the rule's log-odds of default. column_log_odds: float64 (n,), its part that the columns
    carry; the difference is what the narratives say.
    """

    table: pd.DataFrame
    log_odds: Floats
    column_log_odds: Floats

    def __len__(self) -> int:
        return len(self.table)

    def truth(self) -> pd.DataFrame:
        """Columns application_id, outcome, true_pd, true_log_odds and column_log_odds: what a lender would not know."""
        return pd.DataFrame(
            {
                "application_id": self.table["application_id"],
                "outcome": self.table["outcome"],
                "true_pd": expit(self.log_odds),
                "true_log_odds": self.log_odds,
                "column_log_odds": self.column_log_odds,
            }
        )


def generate(n_rows: int, seed: int, first_day: np.datetime64 = FIRST_DAY, n_days: int = 730) -> DemoData:
    """Draw ``n_rows`` applications that were made within ``n_days`` of ``first_day``, in order of their days."""
    random = np.random.Generator(np.random.PCG64([seed, int(first_day.astype("datetime64[D]").astype(int)), n_rows]))
    days = first_day + np.sort(random.integers(0, n_days, n_rows)).astype("timedelta64[D]")
    table = _draw_columns(random, days)
    has_text = random.random(n_rows) >= SHARE_WITHOUT_NARRATIVE
    mentions = random.random((n_rows, len(CONCEPTS))) < np.array([concept.share for concept in CONCEPTS])
    mentions[~has_text] = False
    casual = random.random(n_rows) < 0.2
    table["statement"] = _write_statements(random, has_text, mentions)
    table["job_title"] = _write_titles(random, casual)
    on_columns = column_log_odds(table)
    log_odds = on_columns + _narrative_log_odds(mentions, casual & (table["job_title"] != "").to_numpy())
    table["outcome"] = np.where(random.random(n_rows) < expit(log_odds), "defaulted", "repaid")
    table.insert(0, "application_id", [f"D{seed}-{day:%y%m%d}-{n:06d}" for n, day in enumerate(days.astype(object))])
    return DemoData(table, log_odds, on_columns)


def column_log_odds(table: pd.DataFrame) -> Floats:
    """The rule's part on the columns as the file shows them; a missing cell counts as a usual value."""
    income = table["annual_income"].fillna(52_000).to_numpy()
    score = table["credit_score"].to_numpy(dtype=np.float64)
    dti = table["dti"].fillna(0.22).to_numpy()
    used = table["utilisation"].fillna(0.45).to_numpy()
    years = table["employment_years"].fillna(4.0).to_numpy()
    known = score > 0
    log_odds: Floats = (
        INTERCEPT
        + np.where(known, -0.013 * (np.minimum(score, 780) - 690), 0.35)
        + 4.5 * np.maximum(dti - 0.25, 0.0)
        + 1.2 * np.minimum(table["amount"].to_numpy() / np.maximum(income, 5_000), 1.5)
        + 0.4 * (table["term_months"] == 60).to_numpy()
        + 1.3 * np.minimum(used, 1.2) ** 2
        - 0.22 * np.log1p(years)
        + 0.3 * np.log1p(table["delinquencies_2y"].to_numpy())
        + 0.14 * np.minimum(table["inquiries_6m"].to_numpy(), 5)
        + 0.7 * ((used > 0.7) & (years < 2))
        + 0.4 * (table["purpose"] == "small_business").to_numpy()
        + 0.15 * (table["home"] == "rent").to_numpy()
    )
    return log_odds


def _narrative_log_odds(mentions: Flags, casual: Flags) -> Floats:
    weights = np.array([concept.weight for concept in CONCEPTS])
    log_odds: Floats = mentions @ weights + CASUAL_TITLE_WEIGHT * casual
    return log_odds


def _draw_columns(random: np.random.Generator, days: Dates) -> pd.DataFrame:
    """Every column but id, narratives and outcome, with some cells missing."""
    n = len(days)
    age = np.clip(random.gamma(7.0, 3.6, n) + 18, 18, 80)
    sex = random.choice(["female", "male"], n)
    income = np.exp(random.normal(10.75 + 0.006 * np.minimum(age - 40, 15) + 0.06 * (sex == "male"), 0.45))
    years = np.minimum(random.gamma(1.2, 4.5, n), age - 17.5)
    opened = days - (365.25 * np.clip(age - 18 - random.gamma(1.5, 3.0, n), 0.2, None)).astype("timedelta64[D]")
    amount = np.clip(np.exp(random.normal(9.2 + 0.3 * (np.log(income) - 10.75), 0.6)), 500, 40_000)
    used = np.clip(random.beta(1.6, 1.9, n) + 0.05 * random.standard_normal(n), 0, 1.4)
    score = np.clip(random.normal(690 + 0.5 * (age - 43) - 55 * (used - 0.45), 45), 300, 850)
    table = pd.DataFrame(
        {
            "applied_on": days.astype(str),
            "amount": np.round(amount / 25) * 25,
            "term_months": random.choice([36, 60], n, p=[0.7, 0.3]),
            "annual_income": np.round(income / 100) * 100,
            "employment_years": np.round(years, 1),
            "home": random.choice(list(HOMES), n, p=list(HOMES.values())),
            "purpose": random.choice(list(PURPOSES), n, p=list(PURPOSES.values())),
            "dti": np.round(np.clip(random.gamma(3.2, 0.07, n), 0, 0.9), 3),
            "credit_score": np.round(score).astype(np.int64),
            "open_accounts": 1 + random.poisson(8.0, n),
            "delinquencies_2y": random.poisson(np.where(score < 660, 0.5, 0.1)),
            "utilisation": np.round(used, 3),
            "inquiries_6m": random.poisson(0.9, n),
            "account_opened": opened.astype(str),
            "sex": sex,
            "age_band": np.array(["18-29", "30-44", "45-61", "62+"])[np.digitize(age, [30, 45, 62])],
            "branch_note": random.choice(["", "filed", "copy sent", "by post"], n),
        }
    )
    for name, share in SHARE_MISSING.items():
        table.loc[random.random(n) < share, name] = None
    table.loc[random.random(n) < SHARE_UNKNOWN_TO_BUREAU, "credit_score"] = -999
    return table


def _write_statements(random: np.random.Generator, has_text: Flags, mentions: Flags) -> list[str]:
    """One statement per applicant: a sentence for each thing mentioned amid small talk, in random order."""
    n = len(mentions)
    talk = draw_sentences(random, SMALL_TALK, (n, 3))
    talk[np.arange(3) > random.integers(0, 4, n)[:, None] - 1] = ""
    mentioned = np.column_stack([draw_sentences(random, concept.templates, (n,)) for concept in CONCEPTS])
    mentioned[~mentions] = ""
    sentences = np.hstack([talk, mentioned])
    silent = has_text & (sentences == "").all(axis=1)
    sentences[silent, 0] = draw_sentences(random, SMALL_TALK, (int(silent.sum()),))
    sentences[~has_text] = ""
    sentences = np.take_along_axis(sentences, random.random(sentences.shape).argsort(axis=1), axis=1)
    style = random.random((n, 2))
    statements = []
    for row, (lower, break_lines) in zip(sentences, style, strict=True):
        text = ("<br>" if break_lines < 0.08 else " ").join(sentence for sentence in row if sentence)
        statements.append(text.lower() if lower < 0.12 else text)
    return _with_typos(random, statements)


def _write_titles(random: np.random.Generator, casual: Flags) -> npt.NDArray[np.object_]:
    """A job title per applicant, a tenth of them empty."""
    n = len(casual)
    titles = np.where(casual, _some_of(random, CASUAL_TITLES, (n,)), _some_of(random, STEADY_TITLES, (n,)))
    titles[random.random(n) < 0.1] = ""
    return titles


def _some_of(random: np.random.Generator, texts: Sequence[str], shape: tuple[int, ...]) -> npt.NDArray[np.object_]:
    return np.array(texts, dtype=object)[random.integers(0, len(texts), shape)]


def draw_sentences(
    random: np.random.Generator, templates: Sequence[str], shape: tuple[int, ...]
) -> npt.NDArray[np.object_]:
    """Sentences by drawing a template first, then its filling."""
    wordings = [fillings(template) for template in templates]
    most = max(map(len, wordings))
    table = np.array([[wording[at % len(wording)] for at in range(most)] for wording in wordings], dtype=object)
    return table[random.integers(0, len(templates), shape), random.integers(0, most, shape)]


def _with_typos(random: np.random.Generator, texts: Sequence[str]) -> list[str]:
    """Swap two neighbouring letters in a quarter of the texts, drop a letter in another quarter."""
    kind, place = random.random(len(texts)), random.random(len(texts))
    return [_typo(text, k, int(at * (len(text) - 1))) for text, k, at in zip(texts, kind, place, strict=True)]


def _typo(text: str, kind: float, at: int) -> str:
    if kind >= 0.5 or not text[at : at + 2].isalpha() or len(text) < 2:
        return text
    return text[:at] + (text[at + 1] + text[at] if kind < 0.25 else text[at + 1]) + text[at + 2 :]
