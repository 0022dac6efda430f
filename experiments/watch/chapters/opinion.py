"""The chapter on opinion: what changed first, then the topics by their words, and their share and mood over time."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.reporting.charts import (
    BLUE,
    FONT,
    GRID,
    INK,
    MUTED,
    house_style,
    name_places,
    percent_axis,
    restyle,
    to_svg,
    whiskers,
)
from experiments.reporting.document import Column, Finding, Gap, Interval, Plot, Row, Section, Table
from experiments.reporting.language import gettext
from experiments.reporting.lower_floors import translated
from experiments.reporting.words import percent
from experiments.watch.chapters.cells import signal_interval
from fusion.validation.intervals import Z
from fusion.watch.opinion import LEAST_TEXTS, NO_TOPIC, Mood, OpinionProfile, topic_name
from fusion.watch.signals import Flag, Signal
from fusion.watch.topics import LEAST_TEXTS as LEAST_TO_LEARN
from fusion.watch.topics import LEAST_USES, Topics

MAX_PERIODS = 36
ALL_TEXTS = ""
MAX_CHANGES = 10
CLEAR = 0.01
"""Chance below which a departure is listed; rules decide which are alarms."""
GROWN = 2.0
"""Times its share of what topics were learned from at which texts without a topic propose new topics."""


def chapter(
    topics: Topics,
    reference: OpinionProfile | None,
    periods: Sequence[tuple[str, OpinionProfile]],
    signals: Sequence[Signal],
    flags: Sequence[Flag],
) -> Section | None:
    """What is written, without a word that fewer than ``LEAST_USES`` texts use; None where nothing is.

    Args:
        topics: As the watch learned them.
        reference: Usual rows.
        periods: The latest, in the order of time.
        signals: Of these.
        flags: None: opinion flags no row.
    """
    del flags
    shown = [(name, one) for name, one in periods if one.whole.texts][-MAX_PERIODS:]
    if not shown:
        return None
    words = (
        gettext(
            "Mean sentiment runs from -1, where every text is bad, to 1, where every text is good. It describes a "
            "portfolio and is no figure of a person: no row is named, and no model reads it."
        ),
        gettext(
            "Topics were learned once, from {n_texts:,} texts, and stay. They are named by words that "
            "set them apart, each used by {least_uses} texts or more."
        ).format(n_texts=topics.n_texts, least_uses=LEAST_USES)
        if len(topics)
        else gettext(
            "There are no topics: they are learned from the first file, or --reference, of {least_to_learn} texts."
        ).format(least_to_learn=LEAST_TO_LEARN),
    )
    return Section(
        key="opinion",
        title=gettext("Opinion"),
        words=words,
        findings=tuple(_findings(topics, shown, signals)),
        tables=tuple(table for table in (_changes(signals), _topics(topics, reference, shown)) if table.rows),
        plots=(_plot(topics, shown),),
    )


def _findings(
    topics: Topics, shown: Sequence[tuple[str, OpinionProfile]], signals: Sequence[Signal]
) -> Sequence[Finding]:
    last, profile = shown[-1]
    own = [one for one in _clear(signals) if one.period == last]
    mood = gettext("{texts:,} texts, mean sentiment {mean:+.2f}.").format(
        texts=profile.whole.texts, mean=profile.whole.mean
    )
    if own:
        first = min(own, key=lambda one: (one.p, -one.value, one.subject))
        title = f"{last}: {translated(first.words)}"
        found = [
            Finding(
                key="opinion",
                grade="note",
                title=title,
                words=gettext("{mood} What changed is listed below.").format(mood=mood),
            )
        ]
    else:
        title = gettext("{last}: topics and moods are as usual").format(last=last)
        found = [Finding(key="opinion", grade="good", title=title, words=mood)]
    share = profile.topics[-1].texts / profile.whole.texts
    if len(topics) and share >= GROWN * topics.shares[-1] and profile.topics[-1].texts >= LEAST_USES:
        found.append(
            Finding(
                key="new_topics",
                grade="note",
                title=gettext("{share} of the texts of {last} belong to no topic").format(
                    share=percent(share), last=last
                ),
                words=gettext(
                    "It was {shares} where the topics were learned. People may write of something new: watch "
                    "into a new --out with recent texts as --reference, and topics are learned anew."
                ).format(shares=percent(topics.shares[-1])),
            )
        )
    return found


def _clear(signals: Sequence[Signal]) -> list[Signal]:
    """Departures of topics and moods that are hardly chance."""
    return [one for one in signals if one.p < CLEAR and one.n_rows >= LEAST_TEXTS and one.check != "volume"]


def _changes(signals: Sequence[Signal]) -> Table:
    clear = sorted(_clear(signals), key=lambda one: one.value, reverse=True)
    clear.sort(key=lambda one: one.period, reverse=True)
    rows: list[Row] = [
        (
            one.period,
            translated(topic_name(one.subject)),
            gettext("share of the texts") if one.check == "topic_volume" else gettext("mean sentiment"),
            signal_interval(one),
            one.usual,
            one.p,
        )
        for one in clear[:MAX_CHANGES]
    ]
    columns = (
        Column(key="period", title=gettext("Period")),
        Column(key="topic", title=gettext("Topic")),
        Column(key="figure", title=gettext("Figure")),
        Column(key="now", title=gettext("Now"), form="number", digits=3),
        Column(key="usual", title=gettext("Usual"), form="number", digits=3),
        Column(key="p", title=gettext("Chance"), form="p"),
    )
    note = gettext(
        "Departures that chance brings less than once in {value:.0f}, the latest first, at most {max_changes}."
    ).format(value=1 / CLEAR, max_changes=MAX_CHANGES)
    return Table(key="opinion_changes", title=gettext("What changed"), note=note, columns=columns, rows=tuple(rows))


def _topics(topics: Topics, reference: OpinionProfile | None, shown: Sequence[tuple[str, OpinionProfile]]) -> Table:
    last, now = shown[-1]
    usual = reference if reference is not None and reference.whole.texts else None
    earlier = [one for _, one in shown[:-1]] if usual is None else [usual]
    few = Gap(gap=gettext("fewer than {least_texts} texts").format(least_texts=LEAST_TEXTS))
    rows: list[Row] = []
    for at, name in enumerate((*topics.names, NO_TOPIC) if len(topics) else (ALL_TEXTS,)):
        mood = now.topics[at]
        past = sum((one.topics[at] for one in earlier), Mood())
        every = sum(one.whole.texts for one in earlier)
        telling = ", ".join(topics.words[at]) if at < len(topics) else ""
        rows.append(
            (
                translated(topic_name(name)),
                telling,
                mood.texts,
                mood.texts / now.whole.texts,
                past.texts / every if every else Gap(gap=gettext("no earlier text")),
                _interval(mood) or few,
                past.mean if past.texts >= LEAST_TEXTS else few,
            )
        )
    columns = (
        Column(key="topic", title=gettext("Topic")),
        Column(key="words", title=gettext("Its words")),
        Column(key="texts", title=gettext("Texts"), form="count"),
        Column(key="share", title=gettext("Share"), form="percent", digits=1),
        Column(key="usual_share", title=gettext("Usual share"), form="percent", digits=1),
        Column(key="sentiment", title=gettext("Mean sentiment"), form="signed", digits=2),
        Column(key="usual_sentiment", title=gettext("Usual"), form="signed", digits=2),
    )
    return Table(
        key="opinion_topics", title=gettext("Topics in {last}").format(last=last), columns=columns, rows=tuple(rows)
    )


def _interval(mood: Mood) -> Interval | None:
    if mood.texts < LEAST_TEXTS:
        return None
    error = Z * math.sqrt(mood.variance / mood.texts)
    return Interval(value=mood.mean, low=max(-1.0, mood.mean - error), high=min(1.0, mood.mean + error))


def _plot(topics: Topics, shown: Sequence[tuple[str, OpinionProfile]]) -> Plot:
    """Small multiples: a row for each topic, its share on the left, its mean sentiment on the right."""
    names = (*topics.names, NO_TOPIC, ALL_TEXTS) if len(topics) else (ALL_TEXTS,)
    labels = [name for name, _ in shown]
    with house_style():
        figure = Figure(figsize=(11.0, 0.6 + 1.25 * len(names)))
        grid = figure.subplots(len(names), 2, squeeze=False, sharex=True)
        figure.subplots_adjust(hspace=0.45, wspace=0.18)
        for at, name in enumerate(names):
            whole = name == ALL_TEXTS
            moods = [one.whole if whole else one.topics[at] for _, one in shown]
            left, right = grid[at]
            if whole:
                _line(left, [float(mood.texts) for mood in moods])
            else:
                _line(left, [mood.texts / one.whole.texts for mood, (_, one) in zip(moods, shown, strict=True)])
                percent_axis(left.yaxis)
            _moods(right, moods)
            for axes in (left, right):
                name_places(axes, labels, most=6)
                restyle(axes)
            right.set_ylim(-1.05, 1.05)
            left.set_ylim(bottom=0)
            left.set_title(_left_title(name, whole), loc="left", fontsize=FONT, color=INK)
            right.set_title(gettext("mean sentiment"), loc="left", fontsize=FONT, color=INK)
        drawing = to_svg(figure)
    what = gettext("The share of each topic and its mean sentiment with its 95 % interval, by period")
    return Plot(
        key="opinion_over_time",
        title=gettext("Topics over time"),
        words=gettext("{what}; {labels} to {labels2}.").format(what=what, labels=labels[0], labels2=labels[-1]),
        alt=gettext("{names} rows of two lines each over {labels} periods. {what}.").format(
            names=len(names), labels=len(labels), what=what
        ),
        wide=True,
        drawing=drawing,
    )


def _left_title(name: str, whole: bool) -> str:
    what = gettext("texts") if whole else gettext("share of the texts")
    return gettext("{subject}: {what}").format(subject=translated(topic_name(name)), what=what)


def _line(axes: Axes, values: Sequence[float]) -> None:
    axes.plot(range(len(values)), values, color=BLUE, linewidth=1.8, marker="o", markersize=3)


def _moods(axes: Axes, moods: Sequence[Mood]) -> None:
    axes.axhline(0.0, color=MUTED, linewidth=0.8)
    found = [(at, interval) for at, mood in enumerate(moods) if (interval := _interval(mood)) is not None]
    places = [at for at, _ in found]
    whiskers(axes, places, [one for _, one in found], GRID, 4)
    axes.plot(places, [one.value for _, one in found], color=BLUE, linewidth=1.8, marker="o", markersize=3)
