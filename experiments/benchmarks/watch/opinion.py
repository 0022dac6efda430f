"""How well moods are read, and whether changes of topics and moods are found among quiet periods.

    python -m experiments.benchmarks.watch.opinion --data ../shared/data --cache VECTORS

Moods are learned from invented sentences alone; what people labelled is only measured on: news sentences by mood
(financial_phrasebank) and reviews of clothes by stars (every eighth of clothing_reviews). Changes are planted in
periods drawn from real complaints (complaints), whose topics and moods are counted as a watch counts them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import spearmanr
from sklearn.metrics import accuracy_score, f1_score, roc_auc_score

from experiments.benchmarks.measuring import parser, publish
from features.arrays import Floats, Floats32, Index, Ints
from features.encoders.vectors import TextEncoder
from features.narratives.sentiment import LABELS, Sentiment, learn_sentiment
from features.text.cleaning import clean
from fusion.config import EncoderConfig
from fusion.text_encoder import VectorCache, open_text_encoder
from fusion.watch.alerts import find_alerts
from fusion.watch.opinion import NO_TOPIC, UNIT, Mood, OpinionPart, OpinionProfile
from fusion.watch.part import Watched
from fusion.watch.rules import Rules, load_rules
from fusion.watch.topics import Topics, learn_topics

SIZE = 300  # texts of a period
HISTORY = 12
ROUNDS = 100
"""Quiet periods, and periods with each change."""


@dataclass(frozen=True)
class Planted:
    """A change of the rarest topic, or of all texts.

    Attributes:
        name: for people.
        fall: of the scores of the topic.
        fall_of_all: of all scores.
        times: how many times as often the topic comes.
    """

    name: str
    fall: float = 0.0
    fall_of_all: float = 0.0
    times: float = 1.0


PLANTED = (
    Planted("nothing"),
    Planted("the mood of a topic falls by .3", fall=0.3),
    Planted("the mood of a topic falls by .5", fall=0.5),
    Planted("the mood of all texts falls by .1", fall_of_all=0.1),
    Planted("a topic comes twice as often", times=2.0),
    Planted("a topic comes three times as often", times=3.0),
)


def table_of(folder: Path, name: str) -> pd.DataFrame:
    """A data set with its cells as they are written."""
    return pd.read_csv(folder / name / f"{name}.csv.gz", dtype=str, keep_default_na=False)


def news(mood: Sentiment, frame: pd.DataFrame, vectors: Floats32) -> str:
    """Figures on news sentences: all of them, and the held-out ones on which the baseline is known."""
    test = np.array([int(sha256(one.encode()).hexdigest()[:8], 16) % 10 < 3 for one in frame["sentence"]])
    label = np.array([LABELS.index(one) for one in frame["labels"]])
    found = mood.probabilities(vectors)
    lines = []
    for name, rows in (("all", np.ones(len(label), np.bool_)), ("held out", test)):
        own, y = found[rows], label[rows]
        lines.append(
            f"news, {name}: n {len(y)}, negative against the rest AUC {roc_auc_score(y == 0, own[:, 0]):.3f} by its "
            f"probability, {roc_auc_score(y == 0, own[:, 0] - own[:, 2]):.3f} by the score; three ways accuracy "
            f"{accuracy_score(y, own.argmax(axis=1)):.3f}, macro F1 "
            f"{f1_score(y, own.argmax(axis=1), average='macro'):.3f}"
        )
    scores = mood.scores(vectors)
    means = [f"{name} {scores[label == at].mean():+.2f}" for at, name in enumerate(LABELS)]
    return "\n".join([*lines, f"news, mean score: {', '.join(means)}"])


def reviews(mood: Sentiment, frame: pd.DataFrame, vectors: Floats32) -> str:
    """Figures on reviews."""
    scores, stars = mood.scores(vectors), frame["Rating"].astype(float).to_numpy()
    bad = (frame["Recommended IND"] == "0").to_numpy()
    means = [f"{star:.0f} stars {scores[stars == star].mean():+.2f}" for star in sorted(set(stars.tolist()))]
    return (
        f"reviews: n {len(frame)}, not recommended AUC {roc_auc_score(bad, -scores):.3f}, rank correlation with the "
        f"stars {spearmanr(scores, stars).statistic:.3f}; mean score: {', '.join(means)}"
    )


def complaints(topics: Topics, mood: Sentiment, frame: pd.DataFrame, vectors: Floats32) -> str:
    """Counts and mean scores by topic and quarter of the year in which most complaints came."""
    topic, scores = topics.assign(vectors), mood.scores(vectors)
    quarter = pd.PeriodIndex(pd.to_datetime(frame["Date received"]), freq="Q").astype(str).to_numpy()
    kept = [name for name in sorted(set(quarter)) if np.count_nonzero(quarter == name) >= 50]
    lines = ["topic | " + " | ".join(kept) + " | mean score"]
    for at, name in enumerate((*topics.names, NO_TOPIC)):
        counts = [str(np.count_nonzero((topic == at) & (quarter == one))) for one in kept]
        lines.append(f"{name} | {' | '.join(counts)} | {scores[topic == at].mean():+.2f}")
    return "\n".join(lines)


def planted(topics: Topics, mood: Sentiment, vectors: Floats32, rules: Rules) -> str:
    """How many quiet periods alert, and how many of those in which something was planted."""
    topic, scores = topics.assign(vectors), mood.scores(vectors)
    part = OpinionPart(np.array([True]), topics, mood)
    small = int(np.bincount(topic, minlength=len(topics))[: len(topics)].argmin())
    lines = []
    for one in PLANTED:
        rng = np.random.default_rng(20)
        alerted = 0
        for _ in range(ROUNDS):
            history = [_period(topic, scores, rng.integers(0, len(topic), SIZE), len(topics)) for _ in range(HISTORY)]
            weight = np.where(topic == small, one.times, 1.0)
            rows = rng.choice(len(topic), SIZE, p=weight / weight.sum())
            fallen = scores - one.fall * (topic == small) - one.fall_of_all
            now = _period(topic, np.clip(fallen, -1, 1), rows, len(topics))
            names = [f"2025-{at + 1:02d}" for at in range(HISTORY)]
            watched = Watched("2026-01", now, None, tuple(zip(names, history, strict=True)))
            alerted += bool(find_alerts(rules, ["2026-01"], [part.signals(watched)], ()))
        lines.append(f"{one.name}: {alerted} of {ROUNDS} periods alert")
    return "\n".join(lines)


def _period(topic: Ints, scores: Floats, rows: Index, n_topics: int) -> OpinionProfile:
    units = np.rint(scores[rows] * UNIT).astype(np.int64)
    moods = []
    for at in range(n_topics + 1):
        own = units[topic[rows] == at].tolist()
        moods.append(Mood(len(own), sum(own), sum(one * one for one in own)))
    return OpinionProfile(len(rows), tuple(moods))


def encoded(encoder: TextEncoder, texts: Sequence[str]) -> Floats32:
    """Vectors of texts, cleaned as narratives are."""
    return encoder.encode([clean(text, ()).text for text in texts])


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the figures."""
    options = parser(__doc__ or "")
    options.add_argument("--data", type=Path, required=True, help="folder of the data sets, one folder for each")
    options.add_argument("--cache", type=Path, required=True, help="folder of the vectors that are kept")
    given = options.parse_args(arguments)
    encoder = open_text_encoder(EncoderConfig(), VectorCache(given.cache)).text_encoder
    mood = learn_sentiment(encoder)
    frame = table_of(given.data, "financial_phrasebank")
    found = [news(mood, frame, encoded(encoder, frame["sentence"].tolist()))]
    frame = table_of(given.data, "clothing_reviews").iloc[::8]
    texts = (frame["Title"] + "\n" + frame["Review Text"]).str.strip()
    frame, texts = frame[texts != ""], texts[texts != ""]
    found.append(reviews(mood, frame, encoded(encoder, texts.tolist())))
    frame = table_of(given.data, "complaints")
    frame = frame[frame["Consumer complaint narrative"].str.strip() != ""]
    texts = frame["Consumer complaint narrative"]
    vectors = encoded(encoder, texts.tolist())
    topics = learn_topics(vectors, texts.tolist())
    found += [complaints(topics, mood, frame, vectors), planted(topics, mood, vectors, load_rules(None))]
    publish({"found": found}, "\n\n".join(found), given.json)


if __name__ == "__main__":
    main()
