"""How well the model ranks, and how often the cut-off is right, in every slice of the rows."""

from __future__ import annotations

from experiments.reporting.cells import interval
from experiments.reporting.document import Column, Gap, Row, Table
from experiments.validate.scored_outcomes import ScoredOutcomes
from experiments.validate.slices import MIN_BADS, TOO_FEW, Cut, Slice, enough
from fusion.validation.confusion import at_cutoff
from fusion.validation.intervals import auc_interval, bootstrap, brier_interval, mean, rate

NO_FLAG, NO_BAD, NO_ROW = "nobody is declined", "no bad", "no row"
N_DRAWS = 400  # of the bootstrap in a slice; there are many slices
COUNTS = (
    Column(key="slice", title="Rows"),
    Column(key="n", title="Number", form="count"),
    Column(key="n_bad", title="Bad", form="count"),
)
RANKING_COLUMNS = (
    *COUNTS,
    Column(key="bad_rate", title="Bad rate", form="percent", digits=1),
    Column(key="auc", title="AUC", form="number", digits=3),
    Column(key="ks", title="KS", form="number", digits=3),
    Column(key="average_precision", title="Average precision", form="number", digits=3),
    Column(key="brier", title="Brier score", form="number", digits=4),
    Column(key="mean_pd", title="Mean PD", form="percent", digits=1),
)
CUTOFF_COLUMNS = (
    *COUNTS,
    Column(key="n_flagged", title="Not approved", form="count"),
    Column(key="accuracy", title="Accuracy", form="percent", digits=1),
    Column(key="precision", title="Precision", form="percent", digits=1),
    Column(key="recall", title="Recall", form="percent", digits=1),
    Column(key="f1", title="F1", form="percent", digits=1),
)


def slice_table(judged: ScoredOutcomes, cut: Cut) -> Table:
    """How the model ranks the rows of every slice."""
    return Table(
        key=f"by_{cut.key}",
        title=f"By {cut.title}",
        note=f"{cut.how} A slice with fewer than {MIN_BADS} goods or bads is not ranked. Average precision rises "
        f"with the bad rate: a coin’s is the bad rate. Bootstrap intervals are by {N_DRAWS} draws.".strip(),
        columns=RANKING_COLUMNS,
        rows=tuple(_ranking_row(judged, part) for part in cut.slices),
    )


def _ranking_row(judged: ScoredOutcomes, part: Slice) -> Row:
    y, margin = judged.y[part.rows], judged.margin[part.rows]
    if not len(y):
        return (part.name, 0, 0, *[Gap(gap=NO_ROW)] * 6)
    ranking: Row = (Gap(gap=TOO_FEW),) * 3
    if enough(y):
        drawn = bootstrap(y, margin, N_DRAWS)
        ranking = (interval(auc_interval(y, margin)), interval(drawn.ks), interval(drawn.average_precision))
    return (
        part.name,
        len(y),
        int(y.sum()),
        interval(rate(float(y.sum()), len(y))),
        *ranking,
        interval(brier_interval(y, margin)),
        interval(mean(judged.pd[part.rows])),
    )


def cutoff_slice_table(judged: ScoredOutcomes, cut: Cut) -> Table:
    """How often the policy's decisions turned out right in every slice; "not approved" is the positive test."""
    return Table(
        key=f"at_cutoff_{cut.key}",
        title=f"At the cut-off, by {cut.title}",
        note=f"{cut.how} Precision: bad, of those not approved. Recall: not approved, of the bads. F1: both in "
        "one.".strip(),
        columns=CUTOFF_COLUMNS,
        rows=tuple(_cutoff_row(judged, part) for part in cut.slices),
    )


def _cutoff_row(judged: ScoredOutcomes, part: Slice) -> Row:
    found = at_cutoff(judged.y[part.rows], ~judged.approved[part.rows])
    if not found.n:
        return (part.name, 0, 0, 0, *[Gap(gap=NO_ROW)] * 4)
    return (
        part.name,
        found.n,
        found.n_bad,
        found.n_flagged,
        interval(found.accuracy),
        interval(found.precision, NO_FLAG),
        interval(found.recall, NO_BAD),
        interval(found.f1, NO_BAD),
    )
