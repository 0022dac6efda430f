"""A report on protected attributes with one of everything, made up."""

from __future__ import annotations

from datetime import date

from experiments.probe.report import Added, Attribute, Gap, Group, GroupArea, ProtectedReport, Reading

BANDS = ("18-29", "30-44", "45-61")


def sex() -> Attribute:
    """Two groups, a small third, some missing; every word of the scale."""
    return Attribute(
        name="sex",
        title="Sex",
        n_missing=21,
        groups=(
            Group(label="male", n=5103, judged=True),
            Group(label="female", n=4811, judged=True),
            Group(label="not stated", n=17, judged=False),
        ),
        readings=(
            Reading(source="narratives", n=9914, auc=0.522, low=0.503, high=0.541, verdict="hardly"),
            Reading(source="written", n=6606, auc=0.531, low=0.494, high=0.568, verdict="unsure"),
            Reading(source="words", n=9914, auc=0.701, low=0.683, high=0.719, verdict="clearly"),
            Reading(source="columns", n=9914, auc=0.557, low=0.538, high=0.576, verdict="somewhat"),
            Reading(source="both", n=9914, auc=0.584, low=0.566, high=0.602, verdict="somewhat"),
            Reading(source="score", n=9914, auc=0.507, low=0.489, high=0.525, verdict="chance"),
        ),
        added=Added(difference=0.027, low=0.011, high=0.043),
    )


def age() -> Attribute:
    """More than two groups, and nothing written."""
    groups = tuple(
        GroupArea(label=band, auc=0.91 + place / 100, low=0.9, high=0.95) for place, band in enumerate(BANDS)
    )
    return Attribute(
        name="age_band",
        title="Age",
        n_missing=0,
        groups=tuple(Group(label=band, n=n, judged=True) for band, n in zip(BANDS, (4000, 3950, 2002), strict=True)),
        readings=(
            Reading(source="columns", n=9952, auc=0.921, low=0.909, high=0.933, verdict="well", groups=groups),
            Reading(source="score", n=9952, auc=0.613, low=0.597, high=0.629, verdict="somewhat", groups=groups),
        ),
        gaps=(Gap(source="narratives", why="nobody wrote anything"),),
    )


def born() -> Attribute:
    """A column that could not be judged."""
    return Attribute(
        name="born",
        title="Day of birth",
        split="split at the median, 1980-05-01",
        n_missing=9900,
        groups=(
            Group(label="up to 1980-05-01", n=31, judged=False),
            Group(label="above 1980-05-01", n=21, judged=False),
        ),
        not_judged="no group has 50 rows",
    )


def report() -> ProtectedReport:
    """All of them, with rejected rows, drawn rows and masked sentences."""
    return ProtectedReport(
        file="past.csv",
        product="Instalment loans",
        model="0123456789ab",
        made_on=date(2026, 2, 3),
        n_rows=12_345,
        n_rejected=37,
        n_read=9952,
        masked=("health", "religion"),
        least_rows=50,
        n_folds=5,
        seed=11,
        attributes=(sex(), age(), born()),
    )
