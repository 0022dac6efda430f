"""A review of a schema with every kind of card."""

from __future__ import annotations

from datetime import date

from experiments.schema.review.content import (
    Bar,
    ColumnReview,
    Distribution,
    Doubt,
    OutcomeLevel,
    SchemaReview,
)


def review() -> SchemaReview:
    """The review."""

    bins = Distribution(
        kind="bins",
        bars=tuple(Bar(label=f"{n}", share=0.1, bad_rate=n / 20 if n % 3 else None) for n in range(10)),
        low="0",
        high="9",
        words="Values from 0 to 9.",
    )
    levels = Distribution(
        kind="levels",
        bars=(Bar(label="own", share=0.75, bad_rate=0.0), Bar(label="rent", share=0.25)),
        words="own in most rows",
    )
    one = ColumnReview(
        name="income",
        title="Income",
        role="feature",
        form="number, in EUR",
        note="a number",
        reason="Your income.",
        facts={"Range": "0 to 9", "Values": "10"},
        samples=("1.0", "2.0"),
        missing=0.013,
        strength=0.61,
        distribution=bins,
        doubts=(Doubt(grade="alarm", words="Is it known?"), Doubt(grade="note", words="In which unit?")),
    )
    other = {"name": "home", "distribution": levels, "strength": None, "samples": ()}
    cards = (
        one,
        one.model_copy(update={**other, "doubts": (Doubt(grade="concern", words="Which?"),)}),
        one.model_copy(update={**other, "name": "id", "distribution": None, "doubts": one.doubts[1:]}),
        one.model_copy(update={"name": "term", "doubts": ()}),
    )
    return SchemaReview(
        title="Loans",
        schema_file="my.schema.json",
        data_file="past.csv",
        made_on=date(2026, 3, 9),
        n_rows=1000,
        n_sampled=100,
        outcome=(
            OutcomeLevel(level="repaid", reading="good", rows=80, share=0.8),
            OutcomeLevel(level="defaulted", reading="bad", rows=20, share=0.2),
        ),
        notices=(Doubt(grade="concern", words="The file lacks a column."),),
        columns=cards,
    )
