"""Where the marks of the pictures stand, as percentages of the picture's width: text in them keeps its size on a
narrow window, and every picture is also a table.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from experiments.reporting.decision.underwriter import PopulationPlace, Sentence, Similar, UnderwriterReport
from experiments.reporting.parts import Fact, SourcePoints

BARS = 9  # columns drawn one by one
MARGIN = 0.09  # of the range, kept free at either end


@dataclass(frozen=True)
class Axis:
    """A linear scale from values to percent of the width."""

    low: float
    high: float

    def __call__(self, value: float) -> float:
        """Percent from the left, rounded; values beyond the ends stand at the ends."""
        place = 100 * (value - self.low) / (self.high - self.low)
        return round(min(max(place, 0.0), 100.0), 2)

    def ticks(self, most: int) -> list[float]:
        """At most that many round values within, evenly spaced by 1, 2 or 5 times a power of ten."""
        rough = (self.high - self.low) / max(most - 1, 1)
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))
        first = math.ceil(self.low / step)
        return [tick * step for tick in range(first, math.floor(self.high / step) + 1)]


def axis(values: Sequence[float]) -> Axis:
    """A scale that shows all these values with some room."""
    low, high = min(values), max(values)
    room = MARGIN * (high - low) or 1.0
    return Axis(low - room, high + room)


@dataclass(frozen=True)
class Bar:
    """A bar from ``x`` to ``x + width``, percent; ``start`` and ``end`` are where it begins and ends in reading it."""

    x: float
    width: float
    start: float
    end: float


def bar(scale: Axis, start: float, end: float) -> Bar:
    """The bar between two values."""
    a, b = scale(start), scale(end)
    return Bar(min(a, b), round(abs(b - a), 2), a, b)


@dataclass(frozen=True)
class Step:
    """One step of the waterfall: what moves the score, by how much, and its bar.

    Attributes:
        n: Columns or sentences in it.
    """

    kind: str  # "column", "others" or "narrative"
    title: str
    fact: Fact | None
    points: float
    n: int
    bar: Bar


@dataclass(frozen=True)
class Waterfall:
    """From the starting score through every step to the applicant's score."""

    steps: tuple[Step, ...]
    scale: Axis
    start: float
    score: float
    cut_off: float | None  # percent; None when it lies too far away to be drawn


def waterfall(report: UnderwriterReport) -> Waterfall:
    """The columns that move most, one by one from the most adverse on; then the rest in one; then the narratives."""
    by_size = sorted(report.columns, key=lambda column: abs(column.points), reverse=True)
    n_drawn = BARS if len(by_size) > BARS + 1 else len(by_size)
    drawn = sorted(by_size[:n_drawn], key=lambda column: column.points)
    rows: list[tuple[str, str, Fact | None, float, int]] = [
        ("column", column.fact.title, column.fact, column.points, 1) for column in drawn
    ]
    if others := by_size[n_drawn:]:
        rows.append(("others", "", None, sum(column.points for column in others), len(others)))
    rows += [("narrative", one.title, None, one.points, len(one.sentences)) for one in report.narratives]
    scores = [report.starting_score]
    for row in rows:
        scores.append(scores[-1] + row[3])
    reach = max(scores) - min(scores)
    near = min(scores) - reach <= report.cut_off.score <= max(scores) + reach
    scale = axis([*scores, report.cut_off.score] if near else scores)
    steps = [Step(*row, bar(scale, scores[i], scores[i + 1])) for i, row in enumerate(rows)]
    score = scale(report.result.score)
    return Waterfall(
        tuple(steps), scale, scale(report.starting_score), score, scale(report.cut_off.score) if near else None
    )


def place_stands_below(n_steps: int, n_reasons: int) -> bool:
    """Whether the histogram stands below the waterfall rather than below the reasons, which are beside the waterfall:
    the columns of the page are then more alike in length. Counted in rows of the waterfall.
    """
    fall, reasons, place = n_steps + 4, 2 * max(n_reasons, 1), 9
    return abs(fall + place - reasons) < abs(fall - place - reasons)


@dataclass(frozen=True)
class CategoryStrip:
    """A column of the histogram: percent from left and of the height; ``here`` when the applicant stands in it."""

    x: float
    width: float
    height: float
    here: bool


@dataclass(frozen=True)
class Histogram:
    """The population's scores with the applicant's place and the cut-off, percent."""

    columns: tuple[CategoryStrip, ...]
    scale: Axis
    score: float
    cut_off: float


def histogram(population: PopulationPlace, score: float, cut_off: float) -> Histogram:
    """The picture; a score beyond the edges stands at the edge, as its kind is counted there."""
    edges, highest = population.edges, max(population.counts) or 1
    scale = Axis(edges[0], edges[-1])
    inner = edges[1:-1]
    here = sum(score >= edge for edge in inner)
    columns = [
        CategoryStrip(
            scale(edges[i]), round(scale(edges[i + 1]) - scale(edges[i]), 2), round(100 * count / highest, 2), i == here
        )
        for i, count in enumerate(population.counts)
    ]
    return Histogram(tuple(columns), scale, scale(score), scale(cut_off))


@dataclass(frozen=True)
class Bin:
    """A row of the histogram's table."""

    low: float
    high: float
    count: int
    here: bool


def bins(population: PopulationPlace, picture: Histogram) -> list[Bin]:
    """The histogram as a table."""
    edges = zip(population.edges, population.edges[1:], population.counts, picture.columns, strict=False)
    return [Bin(low, high, count, column.here) for low, high, count, column in edges]


def point_bars(parts: Sequence[Sentence | SourcePoints], largest: float) -> list[Bar]:
    """A bar for each part, from the middle to the left when it takes points and to the right when it gives."""
    scale = Axis(-(largest or 1.0) * 1.05, (largest or 1.0) * 1.05)
    return [bar(scale, 0.0, part.points) for part in parts]


def rates(report: UnderwriterReport, similar: Similar) -> Axis:
    """The scale for the PD, the bad rate of similar applicants and that of the population, with room for the marks of
    0 and of the greatest.
    """
    greatest = max(similar.high, report.result.pd, population_rate(report.population), 0.01)
    return Axis(-0.06 * greatest, 1.08 * greatest)


def population_rate(population: PopulationPlace) -> float:
    """Observed bad rate of the whole population."""
    return sum(band.n_bad for band in population.bands) / max(sum(band.n for band in population.bands), 1)


def band_scale(population: PopulationPlace) -> Axis:
    """The scale for the bands' bad rates, from 0."""
    return Axis(0.0, max(max(band.bad_rate for band in population.bands), 0.001) * 1.02)
