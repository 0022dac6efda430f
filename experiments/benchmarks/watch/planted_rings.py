"""How many planted copies the rings of a watch hold, and how many narratives that nobody planted.

    python -m experiments.benchmarks.watch.planted_rings --data ../shared/data --narratives 100000

Rings of 5 to 50 copies of one narrative, each with a tenth of its words exchanged for words of other narratives, stand
among narratives that are invented, and, with ``--data``, among those of real sets. A narrative that nobody planted and
that is in a ring all the same is looked at again: it counts as a copy after all where the word pairs themselves, not
their signatures, are as like those of another member as the rule asks. The search runs as a process of its own, on one
file of all narratives, spread over 60 days; seconds and peak memory are of that process. A last line floods the
narratives with copies of one template, so that time that grows with the square of a ring's size would show.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from data_schemas.contract import Schema
from data_schemas.reader import parse_schema
from experiments.benchmarks.measuring import markdown, measure, parser, publish, rows_of, tell, write_rows
from experiments.benchmarks.watch.invented import exchanged, invented
from features.design import TextBlock
from features.tables.reader import ReadOptions, read_chunks
from features.text.cleaning import clean
from features.text.words import words_of
from fusion.watch.copies.pairs import find_pairs
from fusion.watch.copies.rings import Ring, find_rings
from fusion.watch.copies.signatures import LEAST_ALIKE, LEAST_WORDS, word_pairs
from fusion.watch.copies.store import Store
from fusion.watch.part import Batch

REAL = {
    "lending_club": "desc",
    "clothing_reviews": "Review Text",
    "complaints": "Consumer complaint narrative",
    "loan_complaints": "Consumer complaint narrative",
    "crowdfunding": "description",
}
DAYS = 60
FIELDS = [
    {"name": "id", "type": "string", "creditfusion": {"role": "id"}},
    {"name": "asked", "type": "date", "creditfusion": {"role": "decision_date"}},
    {"name": "note", "type": "string", "creditfusion": {"role": "narrative"}},
]
STRIP = [
    {"pattern": "</?[A-Za-z][^<>]{0,200}>", "why": "HTML tags"},
    {"pattern": "(?:Borrower|[0-9]+) added on [0-9]{2}/[0-9]{2}/[0-9]{2} >", "why": "headers that a site put there"},
]


@dataclass(frozen=True)
class Planted:
    """Narratives in which rings were planted.

    Attributes:
        name: Of their kind.
        texts: By id; "set:number" of those that nobody planted.
        rings: Ids of the copies, by ring.
    """

    name: str
    texts: Mapping[str, str]
    rings: Sequence[Sequence[str]]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print; see the module's text."""
    given = _options().parse_args(arguments)
    if given.look:
        print(json.dumps(_look(given.look)))
        return
    drawn = random.Random(given.seed)
    quiet = {f"invented:{at}": invented(drawn) for at in range(given.narratives)}
    kinds = [_plant("invented", quiet, given, drawn)]
    if given.data:
        real = _real(given.data)
        rest = {name: quiet[name] for name in list(quiet)[: max(0, given.narratives - len(real))]}
        kinds.append(_plant("real and invented", {**real, **rest}, given, drawn))
    kinds.append(_flooded(quiet, given, drawn))
    found = [_measured(planted) for planted in kinds]
    headers = ["narratives", "number", "planted", "recall", "least of a ring", "others in rings", "no copies", "rings"]
    rows = [
        [
            one["name"],
            f"{one['narratives']:,}",
            f"{one['planted']:,} in {one['planted_rings']:,}",
            f"{one['recall']:.4f}",
            f"{one['least_recall']:.2f}",
            f"{one['others']:,} ({one['others'] / one['narratives']:.2%})",
            f"{one['false']:,} ({one['false'] / one['narratives']:.3%})",
            f"{one['rings']:,}",
        ]
        for one in found
    ]
    stages = ["narratives", "sign and keep, s", "find pairs, s", "find rings, s", "whole process, s", "peak MB"]
    times = [
        [
            one["name"],
            *(f"{one[key]:.1f}" for key in ("keep", "pairs", "ring_seconds", "seconds")),
            f"{one['peak_mb']:,.0f}",
        ]
        for one in found
    ]
    by_set = [[name, f"{n:,}"] for one in found for name, n in sorted(one["others_by_set"].items())]
    tables = [markdown(headers, rows), markdown(stages, times), markdown(["others in rings by set", "number"], by_set)]
    publish({"found": found}, "\n\n".join(tables), given.json)


def _options() -> argparse.ArgumentParser:
    options = parser(__doc__ or "")
    options.add_argument("--narratives", type=int, default=100_000, help="how many (default: %(default)s)")
    options.add_argument("--rings", type=int, default=100, help="how many are planted (default: %(default)s)")
    options.add_argument("--share", type=float, default=0.1, help="of words exchanged (default: %(default)s)")
    options.add_argument("--flood", type=int, default=20_000, help="copies of one template (default: %(default)s)")
    options.add_argument("--data", type=Path, help="folder of the real sets; without it all narratives are invented")
    options.add_argument("--seed", type=int, default=1, help="of all draws (default: %(default)s)")
    options.add_argument("--look", type=Path, help="search one file in this process")
    return options


def _real(folder: Path) -> dict[str, str]:
    """The narratives of the real sets, by set and number."""
    texts = {}
    for name, column in REAL.items():
        rows = rows_of(next((folder / name).glob("*.csv.gz")))
        at = next(rows).index(column)
        texts.update({f"{name}:{number}": row[at] for number, row in enumerate(rows) if row[at].strip()})
    return texts


def _plant(name: str, quiet: Mapping[str, str], given: argparse.Namespace, drawn: random.Random) -> Planted:
    """Rings of copies of narratives of 20 words or more."""
    words = [word for text in drawn.sample(list(quiet.values()), min(2000, len(quiet))) for word in text.split()]
    long = [text for text in quiet.values() if len(text.split()) >= 20]
    texts, rings = dict(quiet), []
    for ring in range(given.rings):
        template = drawn.choice(long)
        ids = [f"planted:{ring}:{at}" for at in range(drawn.randint(5, 50))]
        texts.update({one: exchanged(template, words, given.share, drawn) for one in ids})
        rings.append(ids)
    return Planted(name, texts, rings)


def _flooded(quiet: Mapping[str, str], given: argparse.Namespace, drawn: random.Random) -> Planted:
    words = [word for text in drawn.sample(list(quiet.values()), min(2000, len(quiet))) for word in text.split()]
    template = next(text for text in quiet.values() if len(text.split()) >= 50)
    copies = {f"planted:{at}": exchanged(template, words, given.share, drawn) for at in range(given.flood)}
    return Planted("one ring as a flood", {**quiet, **copies}, [list(copies)])


def _measured(planted: Planted) -> dict[str, Any]:
    """Search them in a process of its own, and count."""
    tell(f"{planted.name}: {len(planted.texts):,} narratives")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "narratives.csv"
        write_rows(path, _lines(planted))
        command = [sys.executable, "-m", "experiments.benchmarks.watch.planted_rings", "--look", str(path)]
        run = measure(command)
    summary = run.summary
    found: list[list[str]] = summary.pop("members")
    flagged = {one for ring in found for one in ring}
    others = [one for one in flagged if not one.startswith("planted")]
    recalls = [sum(one in flagged for one in ring) / len(ring) for ring in planted.rings]
    n_planted = sum(map(len, planted.rings))
    return {
        "name": planted.name,
        "narratives": len(planted.texts),
        "planted": n_planted,
        "planted_rings": len(planted.rings),
        "recall": sum(one in flagged for ring in planted.rings for one in ring) / n_planted,
        "least_recall": min(recalls),
        "others": len(others),
        "false": len(_no_copies(planted, found)),
        "others_by_set": Counter(one.partition(":")[0] for one in others),
        **summary,
        "seconds": run.seconds,
        "peak_mb": run.peak_mb,
    }


def _lines(planted: Planted) -> Iterator[Sequence[str]]:
    """A row each, in an order drawn at random, on a day drawn at random."""
    drawn, ids = random.Random(2), list(planted.texts)
    drawn.shuffle(ids)
    yield ["id", "asked", "note"]
    for one in ids:
        day = date(2026, 1, 1) + timedelta(days=drawn.randrange(DAYS))
        yield [one, day.isoformat(), planted.texts[one]]


def _no_copies(planted: Planted, rings: Sequence[Sequence[str]]) -> list[str]:
    """Narratives that nobody planted whose word pairs are less like those of each other one of their ring than the rule
    asks for.
    """
    strip = _schema().strip
    words = {one: words_of(clean(planted.texts[one], strip).text) for ring in rings for one in ring}
    pairs = {one: word_pairs(own) for one, own in words.items()}

    def are_copies(one: str, other: str) -> bool:
        least = max(LEAST_ALIKE, LEAST_WORDS / min(len(words[one]), len(words[other])))
        return len(pairs[one] & pairs[other]) >= least * len(pairs[one] | pairs[other])

    return [
        one
        for ring in rings
        for one in ring
        if not one.startswith("planted") and not any(are_copies(one, other) for other in ring if other != one)
    ]


def _schema() -> Schema:
    content = {"fields": FIELDS, "creditfusion": {"version": 1, "name": "rings", "strip": STRIP}}
    return parse_schema(json.dumps(content), "rings")


def _look(path: Path) -> dict[str, Any]:
    """Find the rings of a file, as a watch does."""
    begin = time.perf_counter()
    store = Store(path.parent / "state")
    for chunk in read_chunks(path, _schema(), ReadOptions()):
        applications = chunk.applications
        store.observe(Batch("all", path.name, applications, TextBlock.empty(len(applications))))
    store.keep("all")
    kept = time.perf_counter()
    find_pairs(store, ["all"], 0, 90)
    paired = time.perf_counter()
    rings = find_rings(store, ["all"])
    ended = time.perf_counter()
    times = {"keep": kept - begin, "pairs": paired - kept, "ring_seconds": ended - paired}
    return {**times, "rings": len(rings), "members": [_ids(ring) for ring in rings]}


def _ids(ring: Ring) -> list[str]:
    return [member.row.id for member in ring.members]


if __name__ == "__main__":
    main()
