"""What people write about and in what mood, by period: texts and mean sentiment of each topic, and what changed.

Of a portfolio, never of a person: no text is flagged, no row is named, and nothing of it is an input of a model.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from pydantic import TypeAdapter
from scipy.stats import binom, norm

from data_schemas.contract import Schema
from data_schemas.messages import Message, Number, Value, message
from features.arrays import Flags, Floats, Floats32
from features.design import TextBlock
from features.narratives.sentiment import Sentiment
from fusion.watch.cusum import Sums, cumulative_sums
from fusion.watch.departures import Departure, Figure, mean_departure, share_departure, usual_of
from fusion.watch.part import Batch, JsonObject, Observed, Watched
from fusion.watch.signals import Signal
from fusion.watch.topics import Topics
from fusion.watch.volume import volume_signal

NAME = "opinion"
UNIT = 1_000_000
"""Scores are whole numbers of one over it, so that they add up exactly."""
LEAST_TEXTS = 10
"""Texts without which a mean sentiment is not held against the usual one."""
NO_TOPIC = "no topic"


@dataclass(frozen=True)
class Mood:
    """Texts and their sentiment.

    Attributes:
        texts: their number.
        score: sum of their scores, in units of 1 / ``UNIT``.
        squares: sum of the squares of these.
    """

    texts: int = 0
    score: int = 0
    squares: int = 0

    def __add__(self, other: Mood) -> Mood:
        return Mood(self.texts + other.texts, self.score + other.score, self.squares + other.squares)

    @property
    def mean(self) -> float:
        """Mean score from -1 to 1; NaN without texts."""
        return self.score / self.texts / UNIT if self.texts else math.nan

    @property
    def variance(self) -> float:
        """Of the score of a text; NaN with fewer than two."""
        if self.texts < 2:
            return math.nan
        return (self.squares * self.texts - self.score**2) / (self.texts * (self.texts - 1)) / UNIT**2


@dataclass(frozen=True)
class OpinionProfile:
    """The texts of some rows; all narratives of a row are one text.

    Attributes:
        rows: all rows, with or without a text.
        topics: the texts of each topic, and at the end of no topic.
    """

    rows: int
    topics: tuple[Mood, ...]

    @property
    def whole(self) -> Mood:
        """All texts."""
        return sum(self.topics, Mood())


_PROFILE = TypeAdapter(OpinionProfile)


@dataclass(frozen=True)
class OpinionPart:
    """Watches topics and their sentiment.

    Attributes:
        read: which narratives count, (n_narratives,): all but labels such as an employer's name.
        topics: as they were learned once for this watch.
        sentiment: of the encoder's vectors.
        volume: whether the number of rows is watched here, because no model's columns are.
    """

    read: Flags
    topics: Topics
    sentiment: Sentiment
    volume: bool = False

    @property
    def name(self) -> str:
        """Its key in the state."""
        return NAME

    @property
    def subjects(self) -> tuple[str, ...]:
        """Names of the topics, and at the end that of the texts without one."""
        return (*self.topics.names, NO_TOPIC)

    @property
    def trained(self) -> OpinionProfile | None:
        """Nothing: a model does not know how the topics were spread over what it learned from."""
        return None

    def observe(self, batch: Batch) -> Observed[OpinionProfile]:
        """The topics and scores of a batch; it flags no row."""
        vectors, written = vectors_of_rows(batch.text, self.read)
        own = vectors[written]
        topic = self.topics.assign(own)
        scores = np.rint(self.sentiment.scores(own) * UNIT).astype(np.int64)
        moods = tuple(_mood(scores[topic == at].tolist()) for at in range(len(self.topics) + 1))
        return Observed(OpinionProfile(len(batch), moods))

    def add(self, left: OpinionProfile, right: OpinionProfile) -> OpinionProfile:
        """The texts of both."""
        topics = tuple(one + other for one, other in zip(left.topics, right.topics, strict=True))
        return OpinionProfile(left.rows + right.rows, topics)

    def to_json(self, profile: OpinionProfile) -> JsonObject:
        """As plain data."""
        found: JsonObject = _PROFILE.dump_python(profile, mode="json")
        return found

    def from_json(self, content: JsonObject) -> OpinionProfile:
        """What ``to_json`` gave."""
        return _PROFILE.validate_python(content)

    def signals(self, watched: Watched[OpinionProfile]) -> tuple[Signal, ...]:
        """The share of each topic among the texts, its mean sentiment, and that of all texts.

        Each departure has the chance of the period alone or that of the sum of departures since a change began
        (``fusion.watch.cusum``), whichever is less, doubled. That of the period alone is the greater of two: texts are
        drawn by chance, and periods differ as they did before.
        """
        usual, history = usual_of(watched.reference, watched.history)
        found: list[Signal] = []
        if self.volume:
            volumes = [(name, profile.rows) for name, profile in watched.history]
            found += volume_signal(watched.period, watched.profile.rows, volumes, watched.ended)
        if not usual:
            return tuple(found)
        first = [("", watched.reference)] if watched.reference is not None and not history else []
        earlier = [*first, *watched.history, (watched.period, watched.profile)]
        names = [name for name, _ in earlier]
        profiles = [profile for _, profile in earlier]
        past = [profile for _, profile in usual]
        shares = cumulative_sums(share_residuals(profiles))
        means = cumulative_sums(mean_residuals(profiles))
        for at, subject in enumerate((*self.subjects, "")):
            now = _mood_at(watched.profile, at)
            if subject and len(self.topics):
                counts = [(_mood_at(one, at).texts, one.whole.texts) for one in past]
                every = watched.profile.whole.texts
                departure = share_departure(now.texts, every, counts, history=False)
                figure = Figure(watched.period, "topic_volume", subject, every)
                found += _share_signals(figure, departure, _change(shares, at, names, history))
            if now.texts >= LEAST_TEXTS and (not subject or len(self.topics)):
                departure = _mean_departure(now, [_mood_at(one, at) for one in past])
                figure = Figure(watched.period, "topic_sentiment" if subject else "sentiment", subject, now.texts)
                found += _mean_signals(figure, departure, _change(means, at, names, history))
        return tuple(found)


def narratives_read(schema: Schema) -> Flags:
    """bool (n_narratives,): which narratives of a schema say what their writer thinks, all but labels."""
    return np.array([field.match_concepts for field in schema.narratives], dtype=np.bool_)


def vectors_of_rows(text: TextBlock, read: Flags) -> tuple[Floats32, Flags]:
    """float32 (n, dim), the mean vector of what is written in each row, in float16 precision, zero where nothing is;
    and bool (n,), where something is.
    """
    written: Flags = text.has_text[:, read]
    total = text.x_text[:, read].sum(axis=1, dtype=np.float64)
    mean = total / np.maximum(written.sum(axis=1), 1)[:, None]
    any_written: Flags = np.any(written, axis=1)
    return mean.astype(np.float16).astype(np.float32), any_written


def share_residuals(profiles: Sequence[OpinionProfile]) -> Floats:
    """Shares of each topic, of none, and a column of NaN for the whole, beside those of all profiles before.

    float64 (n_periods, n_topics + 2), in units of what chance makes of them; NaN where there are no texts. They are
    normal scores of the binomial's mid-P (Lancaster, JASA 1961), whose mean is nearly 0 also where few texts are
    expected.
    """
    counts = np.array([[mood.texts for mood in one.topics] + [one.whole.texts] for one in profiles], dtype=np.float64)
    every = counts[:, -1:]
    then, every_then = _before(counts), _before(every)
    usual = (then + 0.5) / (every_then + 1.0)
    half = 0.5 * binom.pmf(counts, every, usual)
    below, above = binom.cdf(counts - 1, every, usual) + half, binom.sf(counts, every, usual) + half
    smaller = norm.ppf(np.maximum(np.minimum(below, above), 1e-300))
    found: Floats = np.where(below < above, smaller, -smaller) * np.sqrt(
        every_then / np.maximum(every + every_then, 1.0)
    )
    found[((every == 0) | (every_then == 0))[:, 0]] = np.nan
    found[:, -1] = np.nan
    return found


def mean_residuals(profiles: Sequence[OpinionProfile]) -> Floats:
    """Mean sentiment of each topic, of none and of the whole, beside that of all profiles before, likewise; NaN where
    there are fewer than ``LEAST_TEXTS`` on either side.
    """
    moods = [[*one.topics, one.whole] for one in profiles]
    texts = np.array([[mood.texts for mood in own] for own in moods], dtype=np.float64)
    score = np.array([[mood.score / UNIT for mood in own] for own in moods])
    squares = np.array([[mood.squares / UNIT**2 for mood in own] for own in moods])
    before = _before(texts)
    with np.errstate(divide="ignore", invalid="ignore"):
        usual = _before(score) / before
        variance = np.maximum(_before(squares) / before - np.square(usual), 0.0)
        found: Floats = (score / texts - usual) / np.sqrt(variance * (1.0 / texts + 1.0 / before))
    found[(texts < LEAST_TEXTS) | (before < LEAST_TEXTS) | (variance <= 0.0)] = np.nan
    return found


def _before(values: Floats) -> Floats:
    """Sums over all earlier periods."""
    return np.cumsum(values, axis=0) - values


def _mood_at(profile: OpinionProfile, at: int) -> Mood:
    """Of a topic, of none, or behind these of the whole."""
    return profile.topics[at] if at < len(profile.topics) else profile.whole


def _mood(scores: Sequence[int]) -> Mood:
    return Mood(len(scores), sum(scores), sum(score * score for score in scores))


@dataclass(frozen=True)
class _Change:
    """A departure that lasts: its chance, that of the period alone by the history's spread, 0 without a history, and
    the period in which it began.
    """

    p: float
    p_alone: float
    since: str

    def with_period(self, p: float) -> float:
        """The chance of a departure whose chance is ``p`` where texts alone are drawn by chance."""
        return min(1.0, 2 * min(self.p, max(p, self.p_alone)))


def _change(sums: Sums, at: int, names: Sequence[str], history: bool) -> _Change:
    return _Change(float(sums.p[at]), float(sums.p_last[at]) if history else 0.0, names[int(sums.since[at])])


def _mean_departure(now: Mood, usual: Sequence[Mood]) -> Departure | None:
    """The mean beside usual ones. A few texts that happen to be alike say little of the spread: it is no less than the
    usual one.
    """
    periods = [(one.mean, one.variance, one.texts) for one in usual if one.texts > 1]
    every = sum(n for _, _, n in periods)
    if every < LEAST_TEXTS:
        return None
    within = sum(variance * n for _, variance, n in periods) / every
    found = mean_departure((now.mean, max(now.variance, within), now.texts), periods, history=False)
    return None if found is None else replace(found, low=max(-1.0, found.low), high=min(1.0, found.high))


def _both(departure: Departure, change: _Change) -> Departure:
    return replace(departure, p=change.with_period(departure.p))


def _since(words: Message, departure: Departure, change: _Change, period: str) -> Message:
    """The words, with the period in which the change began where it lasts."""
    lasting = change.p < max(departure.p, change.p_alone) and change.since not in ("", period)
    return message("{words}, a change since {period}", words=words, period=change.since) if lasting else words


def topic_name(subject: str) -> Value:
    """The name of a topic, of none, or of all texts (""), for people."""
    if not subject:
        return message("all texts")
    return message("no topic") if subject == NO_TOPIC else subject


def _share_signals(figure: Figure, departure: Departure | None, change: _Change) -> list[Signal]:
    if departure is None:
        return []
    some = 0.5 / max(figure.n_rows, 1)
    ratio = (departure.now + some) / (departure.usual + some)
    words = message(
        "{name}: {share} of {n} texts, usually {usual}",
        name=topic_name(figure.subject),
        share=Number(departure.now, ".1%"),
        n=Number(figure.n_rows, ","),
        usual=Number(departure.usual, ".1%"),
    )
    words = _since(words, departure, change, figure.period)
    return [figure.signal(_both(departure, change), max(ratio, 1 / ratio) - 1, words)]


def _mean_signals(figure: Figure, departure: Departure | None, change: _Change) -> list[Signal]:
    if departure is None:
        return []
    words = message(
        "{name}: mean sentiment {mean} of {n} texts, usually {usual}",
        name=topic_name(figure.subject),
        mean=Number(departure.now, "+.2f"),
        n=Number(figure.n_rows, ","),
        usual=Number(departure.usual, "+.2f"),
    )
    words = _since(words, departure, change, figure.period)
    return [figure.signal(_both(departure, change), abs(departure.now - departure.usual), words)]
