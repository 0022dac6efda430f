"""Narratives by period: who writes, what the encoder reads, how vectors and words moved, and whether rows differ.

A profile holds counts, the sum of the vectors, which is exact, and a sample of rows as numbers. It holds no narrative,
and words only as ``fusion.watch.words`` keeps them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from pydantic import TypeAdapter

from data_schemas.messages import Number, message, with_commas
from features.arrays import Flags, Floats, Floats32, Ints
from features.design import TabularBlock
from fusion.bundle import Bundle
from fusion.validation.text_drift import N_BINS, TextReference
from fusion.watch.departures import Figure, share_departure, usual_of
from fusion.watch.domain import MOST_USUAL, Layout, Sampled, classify, merged, sampled
from fusion.watch.packing import floats, packed
from fusion.watch.part import Batch, JsonObject, Observed, Watched, first_of
from fusion.watch.sampling import hashed_ids
from fusion.watch.signals import RowRef, Signal, first_rows
from fusion.watch.vectors import Mean, along, components_departure, counted, mean_departure
from fusion.watch.words import WordCounter, WordCounts, Words, word_signals

UNREAD = "text_not_read"


@dataclass(frozen=True, eq=False)
class NarrativeFigures:
    """One narrative column over some rows.

    Attributes:
        rows: All of them.
        written: Rows with a narrative that the encoder reads.
        unread: Rows with one that it cannot read.
        total: float64 (dim,), sum of the vectors.
        cells: int64 (k, 10), narratives by bin of each principal component.
        words: How many narratives use each word; None where nobody counted, as in training.
        first_unread: The first rows whose narrative cannot be read.
    """

    rows: int
    written: int
    unread: int
    total: Floats
    cells: Ints
    words: WordCounts | None
    first_unread: tuple[RowRef, ...] = ()


@dataclass(frozen=True, eq=False)
class TextsProfile:
    """The narratives of some rows.

    Attributes:
        rows: Their number.
        narratives: Figures of every narrative column.
        sample: Rows for the classifier (``fusion.watch.domain``).
    """

    rows: int
    narratives: Mapping[str, NarrativeFigures]
    sample: Sampled


@dataclass(frozen=True)
class _NarrativeJson:
    rows: int
    written: int
    unread: int
    total: str
    cells: list[list[int]]
    hashes: str | None
    counts: str | None
    names: dict[str, int]
    first_unread: tuple[RowRef, ...]


@dataclass(frozen=True)
class _Json:
    rows: int
    narratives: dict[str, _NarrativeJson]
    sample: Sampled


_PROFILE = TypeAdapter(_Json)


@dataclass(frozen=True)
class TextsPart:
    """Watches the narratives that a model reads.

    Attributes:
        references: What each narrative was like in training.
        layout: Of the rows that are sampled.
        trained: The profile of the rows that the model learned from; their words are not known.
        counter: Counts words.
    """

    references: Mapping[str, TextReference]
    layout: Layout
    trained: TextsProfile
    counter: WordCounter = field(default_factory=WordCounter)

    @staticmethod
    def of(bundle: Bundle) -> TextsPart:
        """The part that watches the narratives of this model."""
        references = dict(zip(bundle.reference.names, bundle.reference.texts, strict=True))
        layout = _layout(bundle.population.columns, references)
        return TextsPart(references, layout, _trained(bundle, references))

    @property
    def name(self) -> str:
        """Its key in the state."""
        return "texts"

    def observe(self, batch: Batch) -> Observed[TextsProfile]:
        """The narratives of a batch; it flags no rows."""
        if batch.scored is None:
            raise ValueError("a batch without scores")
        unread = _unread(batch.scored.quality, batch.text.names)
        found, coordinates = {}, []
        for at, name in enumerate(batch.text.names):
            reference, written = self.references[name], batch.text.has_text[:, at]
            vectors = batch.text.x_text[written, at]
            own = along(vectors, reference)
            found[name] = NarrativeFigures(
                rows=len(batch),
                written=len(vectors),
                unread=int(unread[:, at].sum()),
                total=vectors.astype(np.float64).sum(axis=0),
                cells=counted(own, reference),
                words=self.counter.count(batch.applications.narrative(name)),
                first_unread=first_of(batch, unread[:, at]),
            )
            spread = np.full((len(batch), own.shape[1]), np.nan, dtype=np.float32)
            spread[written] = own.astype(np.float32)
            coordinates.append(spread)
        rows = sampled(hashed_ids(batch.applications.ids), batch.scored.design.tabular, coordinates)
        return Observed(TextsProfile(len(batch), found, rows))

    def add(self, left: TextsProfile, right: TextsProfile) -> TextsProfile:
        """The narratives of both."""
        summed = {name: self._added(own, right.narratives[name]) for name, own in left.narratives.items()}
        return TextsProfile(left.rows + right.rows, summed, merged(left.sample, right.sample))

    def _added(self, left: NarrativeFigures, right: NarrativeFigures) -> NarrativeFigures:
        return NarrativeFigures(
            left.rows + right.rows,
            left.written + right.written,
            left.unread + right.unread,
            left.total + right.total,
            left.cells + right.cells,
            None if left.words is None or right.words is None else self.counter.add(left.words, right.words),
            first_rows(left.first_unread, right.first_unread),
        )

    def to_json(self, profile: TextsProfile) -> JsonObject:
        """As plain data."""
        narratives = {name: _to_json(one) for name, one in profile.narratives.items()}
        found: JsonObject = _PROFILE.dump_python(_Json(profile.rows, narratives, profile.sample), mode="json")
        return found

    def from_json(self, content: JsonObject) -> TextsProfile:
        """What ``to_json`` gave."""
        read = _PROFILE.validate_python(content)
        return TextsProfile(read.rows, {name: _from_json(one) for name, one in read.narratives.items()}, read.sample)

    def signals(self, watched: Watched[TextsProfile]) -> tuple[Signal, ...]:
        """Who writes, vectors, components and words of every narrative, and the classifier of rows."""
        usual, history = usual_of(watched.reference, watched.history)
        then, period = [profile for _, profile in usual], watched.period
        found: list[Signal] = []
        for name, now in watched.profile.narratives.items():
            own = [profile.narratives[name] for profile in then]
            found += _share_signals(period, name, now, own, history)
            found += self._vector_signals(period, name, now, own, history)
            found += self._word_signals(name, watched)
        return (*found, *self._domain_signals(period, watched.profile, then, history))

    def _vector_signals(
        self, period: str, name: str, now: NarrativeFigures, then: Sequence[NarrativeFigures], history: bool
    ) -> list[Signal]:
        reference, found = self.references[name], []
        means = [Mean(one.total, one.written) for one in then]
        shift = mean_departure(Mean(now.total, now.written), means, history, reference) if reference.described else None
        if shift is not None:
            words = message(
                "{name}: the mean vector lies {distance} of the usual spread away, by chance {usual}",
                name=name,
                distance=Number(shift.now, ".3f"),
                usual=Number(shift.usual, ".3f"),
            )
            found.append(Figure(period, "mean_shift", name, now.written).signal(shift, shift.now, words))
        if then and len(now.cells):
            moved = components_departure(now.cells, np.stack([one.cells for one in then]), history)
            if moved is not None:
                psi, at = moved
                words = message(
                    "{name}: PSI {psi} along principal component {component} of the narratives",
                    name=name,
                    psi=Number(psi.now, ".3f"),
                    component=Number(at + 1),
                )
                found.append(Figure(period, "psi", name, now.written).signal(psi, psi.now, words))
        return found

    def _word_signals(self, name: str, watched: Watched[TextsProfile]) -> list[Signal]:
        """Where training's words are not known, the history's are usual as soon as there is some."""
        now, reference = watched.profile.narratives[name], watched.reference
        if now.words is None:
            return []
        known = None if reference is None or reference.narratives[name].words is None else reference
        usual, history = usual_of(known, watched.history)
        then = [profile.narratives[name] for _, profile in usual]
        counted = [Words(one.written, one.words) for one in then if one.words is not None]
        return word_signals(watched.period, name, Words(now.written, now.words), counted, history)

    def _domain_signals(
        self, period: str, now: TextsProfile, then: Sequence[TextsProfile], history: bool
    ) -> list[Signal]:
        classified = classify(now.sample, [one.sample for one in then], history, self.layout)
        if classified is None:
            return []
        area = classified.departure
        words = message(
            "a classifier separates a sample of {n} rows from the usual ones with an AUC of {area} (0.5: not at all), "
            "by {columns}",
            n=Number(classified.n),
            area=Number(area.now, ".3f"),
            columns=with_commas(classified.names),
        )
        return [Figure(period, "domain_auc", "", classified.n).signal(area, max(0.0, area.now - 0.5), words)]


def _share_signals(
    period: str, name: str, now: NarrativeFigures, then: Sequence[NarrativeFigures], history: bool
) -> list[Signal]:
    found = []
    written = share_departure(now.written, now.rows, [(one.written, one.rows) for one in then], history)
    if written is not None:
        words = message(
            "{name}: written by {share} of {n} rows, usually {usual}",
            name=name,
            share=Number(written.now, ".1%"),
            n=Number(now.rows, ","),
            usual=Number(written.usual, ".1%"),
        )
        value = abs(written.now - written.usual)
        found.append(Figure(period, "written", name, now.rows).signal(written, value, words))
    texts = [(one.unread, one.written + one.unread) for one in (now, *then)]
    unread = share_departure(*texts[0], texts[1:], history)
    if unread is not None:
        words = message(
            "{name}: {share} of {n} narratives cannot be read by the encoder, usually {usual}",
            name=name,
            share=Number(unread.now, ".1%"),
            n=Number(texts[0][1], ","),
            usual=Number(unread.usual, ".1%"),
        )
        figure, value = Figure(period, "unread", name, texts[0][1]), abs(unread.now - unread.usual)
        found.append(figure.signal(unread, value, words, now.first_unread))
    return found


def _unread(quality: Sequence[str], names: Sequence[str]) -> Flags:
    """bool (n, n_narratives), from data-quality flags: the narratives that the encoder cannot read."""
    found = np.zeros((len(quality), len(names)), dtype=np.bool_)
    for row, flags in enumerate(quality):
        if UNREAD in flags:
            for flag in flags.split(";"):
                kind, _, listed = flag.partition(":")
                if kind == UNREAD:
                    found[row, [name in listed.split(",") for name in names]] = True
    return found


def _layout(columns: TabularBlock, references: Mapping[str, TextReference]) -> Layout:
    texts = [name for name, one in references.items() for _ in one.components]
    names = (*columns.num_names, *columns.cat_names, *texts)
    return Layout(names, (*(0 for _ in columns.num_names), *columns.n_levels, *(0 for _ in texts)))


def _trained(bundle: Bundle, references: Mapping[str, TextReference]) -> TextsProfile:
    narratives = {}
    for name, one in references.items():
        unread = bundle.profiles[name].counts.strange if name in bundle.profiles else 0
        total = one.mean * one.n_written
        cells = one.counts.reshape(-1, N_BINS)
        narratives[name] = NarrativeFigures(one.n_rows, one.n_written, unread, total, cells, None)
    columns = bundle.population.columns
    nothing: list[Floats32] = [
        np.full((len(columns), len(one.components)), np.nan, dtype=np.float32) for one in references.values()
    ]
    rows = sampled(hashed_ids([str(at) for at in range(len(columns))]), columns, nothing, MOST_USUAL)
    return TextsProfile(bundle.population.columns.x_num.shape[0], narratives, rows)


def _to_json(one: NarrativeFigures) -> _NarrativeJson:
    words = one.words
    return _NarrativeJson(
        one.rows,
        one.written,
        one.unread,
        packed(one.total),
        one.cells.tolist(),
        None if words is None else packed(words.hashes),
        None if words is None else packed(words.counts),
        {} if words is None else {name: at for at, name in sorted(words.names.items())},
        one.first_unread,
    )


def _from_json(read: _NarrativeJson) -> NarrativeFigures:
    words = None
    if read.hashes is not None and read.counts is not None:
        words = WordCounts.unpacked(read.hashes, read.counts, read.names)
    cells = np.array(read.cells, dtype=np.int64).reshape(-1, N_BINS)
    return NarrativeFigures(read.rows, read.written, read.unread, floats(read.total), cells, words, read.first_unread)
