"""Odd applications: planted anomalies that are found at a share of false alarms, beside isolation forests and ECOD.

Rows of a set are parted at random: one half is the reference, in all rows of the other anomalies are planted, one kind
after the other. Measured are the shares of planted and of untouched rows above the bound that the reference sets for
1 % (and 0.1 %) of false alarms. Narratives are those of other sets.

    python -m experiments.benchmarks.watch.oddness --source data --cache vectors
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from scipy import sparse
from scipy.stats import rankdata
from sklearn.ensemble import IsolationForest

from data_schemas.reader import load_schema
from experiments.benchmarks.data_sets.files import sets_named, write_files
from experiments.benchmarks.measuring import markdown, parser, publish, tell
from features.arrays import Codes, Floats, Floats32
from features.design import TabularBlock, TextBlock, no_style
from features.tables.applications import Applications
from features.tables.reader import ReadOptions, read_all
from features.tabular import TabularEncoder
from fusion.config import EncoderConfig
from fusion.text_encoder import VectorCache, open_text_encoder
from fusion.validation.text_drift import describe_texts, distances
from fusion.watch.odd_columns import OddColumns
from fusion.watch.oddness import odd_limit

COLUMN_SETS = ("heloc", "taiwan_default", "german_credit", "sba_loans", "lending_club")
TEXT_SETS = ("loan_complaints", "lending_club", "clothing_reviews", "sms_spam", "crowdfunding")
SHARES = (0.01, 0.001)
MOST_ROWS = 20_000
N_REFERENCE, N_TEXTS = 800, 400
MOST_LETTERS = 600
VARIED = 20  # values from which on a number is one that can be extreme
SEED = 2


class Detector(Protocol):
    """What finds odd rows."""

    reference: Floats

    def odd(self, columns: TabularBlock) -> Floats:
        """float64 (n,), higher for odder rows."""
        ...


class Copula:
    """That of the watch."""

    def __init__(self, columns: TabularBlock) -> None:
        self.model = OddColumns.of(columns)
        self.reference = self.model.reference_distances(columns)

    def odd(self, columns: TabularBlock) -> Floats:
        """Squared Mahalanobis distances."""
        return self.model.distances(columns)


class Forest:
    """scikit-learn's isolation forest; levels as their rarity, missing numbers as the median."""

    def __init__(self, columns: TabularBlock) -> None:
        self.median = np.nan_to_num(np.nanmedian(columns.x_num, axis=0))
        self.rarity = [_rarity(own, n) for own, n in zip(columns.x_cat.T, columns.n_levels, strict=True)]
        samples = min(4096, len(columns))
        self.model = IsolationForest(n_estimators=200, max_samples=samples, random_state=0).fit(self._inputs(columns))
        self.reference = self.odd(columns)

    def _inputs(self, columns: TabularBlock) -> Floats:
        numbers = np.where(np.isnan(columns.x_num), self.median, columns.x_num)
        return np.column_stack([numbers, *_by_level(self.rarity, columns)])

    def odd(self, columns: TabularBlock) -> Floats:
        """The forest's score, turned around."""
        found: Floats = -self.model.score_samples(self._inputs(columns))
        return found


class Ecod:
    """Li et al., ECOD (IEEE TKDE 2022), with tails counted over the reference alone, so that rows do not depend on each
    other.
    """

    def __init__(self, columns: TabularBlock) -> None:
        self.ordered = [np.sort(own[~np.isnan(own)]) for own in columns.x_num.T]
        self.rarity = [_rarity(own, n) for own, n in zip(columns.x_cat.T, columns.n_levels, strict=True)]
        self.reference = self.odd(columns)

    def odd(self, columns: TabularBlock) -> Floats:
        """The greatest of the sums of left, right and skewed tails."""
        sums = np.zeros((3, len(columns)))
        for own, x in zip(self.ordered, columns.x_num.T, strict=True):
            n = max(len(own), 1)
            left = -np.log(np.clip(np.searchsorted(own, x, "right") / n, 1 / (n + 1), 1))
            right = -np.log(np.clip(1 - np.searchsorted(own, x, "left") / n, 1 / (n + 1), 1))
            skewed = left if len(own) and np.mean((own - own.mean()) ** 3) < 0 else right
            sums += np.where(np.isnan(x), 0.0, np.stack([left, right, skewed]))
        found: Floats = sums.max(axis=0) + sum(_by_level(self.rarity, columns))
        return found


DETECTORS: Mapping[str, Callable[[TabularBlock], Detector]] = {
    "copula": Copula,
    "isolation forest": Forest,
    "ECOD": Ecod,
}


@dataclass(frozen=True)
class FoundRows:
    """What is found in one set.

    Attributes:
        name: of the set.
        reference: rows of the reference.
        by: what looked for them.
        shares: of rows that are found, by kind of anomaly, at each of ``SHARES`` that were measured.
    """

    name: str
    reference: int
    by: str
    shares: Mapping[str, tuple[float, ...]]


def _rarity(codes: Codes, n_levels: int) -> Floats:
    counts = np.bincount(codes, minlength=n_levels)
    found: Floats = -np.log(np.maximum(counts, 0.5) / len(codes))
    return found


def _by_level(rarity: Sequence[Floats], columns: TabularBlock) -> list[Floats]:
    return [own[codes] for own, codes in zip(rarity, columns.x_cat.T, strict=True)]


@dataclass(frozen=True)
class Planter:
    """Plants anomalies, by what is usual.

    Attributes:
        reference: rows that are usual.
    """

    reference: TabularBlock

    def planted(self, columns: TabularBlock) -> Mapping[str, TabularBlock]:
        """Each kind of anomaly in all rows of these columns."""
        random = np.random.default_rng(SEED)
        varied = [at for at, own in enumerate(self.reference.x_num.T) if len(np.unique(own[~np.isnan(own)])) > VARIED]
        rows, where = np.arange(len(columns)), random.choice(varied, len(columns))
        tenfold, extreme = columns.x_num.copy(), columns.x_num.copy()
        tenfold[rows, where] *= 10
        extreme[rows, where] = 3 * np.nanmax(self.reference.x_num, axis=0)[where]
        others = columns.take(random.permutation(len(columns)))
        from_other = random.random(columns.x_num.shape) < 0.5
        level_from_other = random.random(columns.x_cat.shape) < 0.5
        mixed = np.where(from_other, others.x_num, columns.x_num)
        return {
            "tenfold": _with(columns, tenfold),
            "beyond all": _with(columns, extreme),
            "two halves": _with(columns, mixed, np.where(level_from_other, others.x_cat, columns.x_cat)),
            "torn pair": _with(columns, self._torn(columns, varied, random)),
        }

    def _torn(self, columns: TabularBlock, varied: Sequence[int], random: np.random.Generator) -> Floats32:
        """One of the five strongest pairs of numbers set against its correlation, each value usual by itself."""
        some = self.reference.x_num[:5000, varied]
        filled = np.where(np.isnan(some), np.nanmedian(some, axis=0), some)
        tied = np.corrcoef(np.apply_along_axis(rankdata, 0, filled).T)
        upper = np.triu(np.where(np.abs(tied) < 0.97, np.abs(tied), 0), 1)
        pairs = [pair for pair in np.argsort(-upper, axis=None)[:5].tolist() if upper.flat[pair] > 0]
        found = columns.x_num.copy()
        low, high = np.nanquantile(self.reference.x_num[:, varied], [0.03, 0.97], axis=0)
        for row, pair in enumerate(random.choice(pairs, len(found)).tolist()):
            one, other = divmod(pair, len(varied))
            first, second = (low, high) if random.random() < 0.5 else (high, low)
            if tied[one, other] < 0:
                second = first
            found[row, varied[one]], found[row, varied[other]] = first[one], second[other]
        return found


def _with(columns: TabularBlock, x_num: Floats32, x_cat: Codes | None = None) -> TabularBlock:
    levels = columns.x_cat if x_cat is None else x_cat
    return TabularBlock(x_num, levels, columns.num_names, columns.cat_names, columns.n_levels)


def read_set(name: str, source: Path) -> Applications:
    """The training rows of a set."""
    with tempfile.TemporaryDirectory() as folder:
        (data_set,) = sets_named([name])
        files = write_files(data_set, source, Path(folder))
        return read_all([files.train], load_schema(str(files.schema)), ReadOptions()).applications


def columns_of(name: str, applications: Applications) -> list[FoundRows]:
    """What each detector finds of each kind of anomaly in one set."""
    order = np.random.default_rng(1).permutation(len(applications))[:MOST_ROWS]
    columns = TabularEncoder.fit(applications).encode(applications).take(order)
    half = len(order) // 2
    reference, rest = columns.take(np.arange(half)), columns.take(np.arange(half, len(order)))
    kinds = {"untouched": rest} | dict(Planter(reference).planted(rest))
    found = []
    for title, detector in DETECTORS.items():
        tell(f"{name}: {title}")
        fitted = detector(reference)
        limits = [odd_limit(np.sort(fitted.reference), share) for share in SHARES]
        odd = {kind: fitted.odd(own) for kind, own in kinds.items()}
        shares = {kind: tuple(float(np.mean(own > limit)) for limit in limits) for kind, own in odd.items()}
        found.append(FoundRows(name, half, title, shares))
    return found


def texts_of(applications: Applications, encoder: VectorCache | None) -> Floats32:
    """Vectors of the longest narrative of a set's first rows, of at most 600 letters each."""
    columns = [applications.narrative(field.name) for field in applications.schema.narratives]
    longest = max(columns, key=lambda texts: sum(map(len, texts)))
    texts = [text[:MOST_LETTERS] for text in longest if text.strip()][: N_REFERENCE + N_TEXTS]
    return open_text_encoder(EncoderConfig(), encoder).text_encoder.encode(texts)


def narratives_of(name: str, vectors: Mapping[str, Floats32]) -> FoundRows:
    """The share of other sets' narratives, and of its own, that are odd beside those of one set."""
    own = _block(vectors[name][: len(vectors[name]) * 2 // 3])
    reference = describe_texts(own, np.arange(len(own)))
    limit = odd_limit(np.sort(distances(reference, own)[:, 0].astype(np.float64)), SHARES[0])
    later = {"untouched": vectors[name][len(own) :]} | {
        other: rows[:N_TEXTS] for other, rows in vectors.items() if other != name
    }
    far = {other: distances(reference, _block(rows))[:, 0] for other, rows in later.items()}
    shares = {other: (float(np.mean(own > limit)),) for other, own in far.items()}
    return FoundRows(name, len(own), "distance from the mean one", shares)


def _block(vectors: Floats32) -> TextBlock:
    wrote = np.ones((len(vectors), 1), dtype=np.bool_)
    words = sparse.csr_matrix(np.zeros((len(vectors), 1), dtype=np.float32))
    return TextBlock(vectors[:, None], wrote, words, ("text",), no_style(wrote))


def table(found: Sequence[FoundRows]) -> str:
    """Shares that are found, a column for each kind."""
    kinds = list(dict.fromkeys(kind for one in found for kind in one.shares))
    lines = [
        [f"{one.name} ({one.reference:,})", one.by, *(_cell(one.shares.get(at, ())) for at in kinds)] for one in found
    ]
    return markdown(["set (reference rows)", "by", *kinds], lines)


def _cell(shares: Sequence[float]) -> str:
    first, *others = [f"{share:.1%}" for share in shares] or [""]
    return f"{first} ({', '.join(others)})" if others else first


def main(arguments: Sequence[str] | None = None) -> None:
    """Plant, find and print the tables; see the module's text."""
    options = parser(__doc__ or "")
    options.add_argument("--source", type=Path, required=True, help="folder of the data sets, one folder for each")
    options.add_argument("--cache", type=Path, help="folder of vectors (default: none)")
    given = options.parse_args(arguments)
    columns = [line for name in COLUMN_SETS for line in columns_of(name, read_set(name, given.source))]
    cache = VectorCache(given.cache) if given.cache else None
    vectors = {}
    for name in TEXT_SETS:
        tell(f"{name}: vectors")
        vectors[name] = texts_of(read_set(name, given.source), cache)
    narratives = [narratives_of(name, vectors) for name in TEXT_SETS]
    tables = f"{table(columns)}\n\n{table(narratives)}"
    publish({"columns": list(map(asdict, columns)), "narratives": list(map(asdict, narratives))}, tables, given.json)


if __name__ == "__main__":
    main()
