"""How well facts are found in narratives, by kind, and how fast.

    python -m experiments.benchmarks.facts.quality --schema lending_club --data applications.csv.gz

The narratives of ``marked.txt`` beside this file are invented; their facts were marked by hand before there were rules,
which were tuned on the odd lines alone. The sentences of ``demo`` are written from templates, so what stands in their
gaps is known: rates, sums, and numbers of years, months and weeks. All fillings are read, and whatever else is found of
these kinds counts as wrong. With ``--schema`` and ``--data``, the facts of real narratives are counted; no text is
printed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from string import Formatter
from time import process_time

from data_schemas.contract import Schema
from data_schemas.reader import load_schema
from experiments.benchmarks.facts.marking import Agreement, agreement, read_marked, total
from experiments.benchmarks.measuring import markdown, parser, publish
from experiments.demo.calls import CALL_CONCEPTS, CALL_SMALL_TALK
from experiments.demo.sentences import CONCEPTS, FILLERS, SMALL_TALK
from features.facts.english.numbers import UNITS
from features.facts.fact import Fact, FactKind
from features.facts.find import find_facts
from features.tables.reader import ReadOptions, read_all
from features.text.cleaning import clean

MONEY = (FactKind.AMOUNT, FactKind.INCOME, FactKind.RENT)
LASTING = (FactKind.DURATION, FactKind.TENURE)
HOSTILE = {
    "digits": "1",
    "groups of digits": "1,",
    "parentheses": "(",
    "chains of and": "five and ",
    "sums": "$5 and ",
    "jobs": "i work as a ",
    "employers": "work at ",
    "purposes": "pay off my ",
}
N_HOSTILE = 1_000_000  # characters
_GAP_OF_TIME = re.compile(r"\{(?:years|months)\} (years|months|weeks)")
_IN_UNIT = {"years": 12.0, "months": 1.0, "weeks": 7.0}


def marked_rows() -> Iterator[dict[str, object]]:
    """Precision, recall and F1 by kind, of both halves of the marked narratives."""
    narratives = read_marked()
    halves = [total(agreement(one.facts, find_facts(one.text)) for one in narratives[start::2]) for start in (0, 1)]
    for kind in FactKind:
        tuning, test = (half[kind] for half in halves)
        yield {"kind": kind.value, "F1, tuning half": f"{tuning.f1:.2f}"} | _figures(test)


def demo_rows() -> Iterator[dict[str, object]]:
    """Precision and recall on all fillings of the demo's templates."""
    templates = [template for concept in (*CONCEPTS, *CALL_CONCEPTS) for template in concept.templates]
    counts: dict[str, Agreement] = {}
    for template in (*templates, *SMALL_TALK, *CALL_SMALL_TALK):
        slots = sorted({name for _, name, _, _ in Formatter().parse(template) if name})
        for values in product(*(FILLERS[slot] for slot in slots)):
            filling = dict(zip(slots, values, strict=True))
            found = find_facts(template.format_map(filling))
            for name, one in _compared(_truth(template, filling), found).items():
                counts[name] = counts.get(name, Agreement()) + one
    for name, one in counts.items():
        yield {"kind": name} | _figures(one)


def _truth(template: str, filling: dict[str, str]) -> dict[str, list[float]]:
    """The values that a template's gaps are filled with, by group of kinds."""
    truth: dict[str, list[float]] = {"sums": [], "rates": [], "durations and tenures": []}
    if "{sum}" in template:
        truth["sums"].append(float(filling["sum"].strip("$")))
    if "{rate}" in template:
        truth["rates"].append(float(filling["rate"].split()[0].strip("%")))
    for gap in _GAP_OF_TIME.finditer(template):
        number = filling["years" if "{years}" in gap.group() else "months"]
        truth["durations and tenures"].append(UNITS[number] * _IN_UNIT[gap[1]])
    return truth


def _compared(truth: dict[str, list[float]], found: Sequence[Fact]) -> dict[str, Agreement]:
    kinds = {"sums": MONEY, "rates": (FactKind.RATE,), "durations and tenures": LASTING}
    agreements = {}
    for name, values in truth.items():
        got = Counter(fact.value for fact in found if fact.kind in kinds[name])
        n_right = sum((got & Counter(values)).values())
        agreements[name] = Agreement(len(values), sum(got.values()), n_right, n_right)
    return agreements


def _figures(one: Agreement) -> dict[str, object]:
    return {
        "marked": one.n_marked,
        "found": one.n_found,
        "precision": f"{one.precision:.2f}",
        "recall": f"{one.recall:.2f}",
        "F1": f"{one.f1:.2f}",
        "same place": f"{one.n_exact / max(1, one.n_right):.2f}",
    }


def hostile_rows() -> Iterator[dict[str, object]]:
    """CPU seconds for hostile texts of a tenth of the characters, and of all: ten times as many in linear time."""
    for name, part in HOSTILE.items():
        seconds = []
        for n_characters in (N_HOSTILE // 10, N_HOSTILE):
            text = part * (n_characters // len(part))
            begun = process_time()
            find_facts(text)
            seconds.append(process_time() - begun)
        yield {"text": name, "CPU s for 100,000": f"{seconds[0]:.2f}", "CPU s for 1,000,000": f"{seconds[1]:.2f}"}


def real_narratives(schema: Schema, data: Path, most: int) -> list[str]:
    """The first narratives of a file, of its longest column, cleaned as its schema asks for."""
    read = read_all([data], schema, ReadOptions()).applications
    columns = [[cell for cell in read.narrative(field.name) if cell] for field in schema.narratives]
    longest = max(columns, key=lambda cells: sum(map(len, cells)))
    return [clean(cell, schema.strip).text for cell in longest[:most]]


def real_rows(narratives: Sequence[str]) -> Iterator[dict[str, object]]:
    """How many facts of each kind real narratives state."""
    counts = Counter[FactKind]()
    in_narratives = Counter[FactKind]()
    for narrative in narratives:
        kinds = [fact.kind for fact in find_facts(narrative)]
        counts.update(kinds)
        in_narratives.update(set(kinds))
    for kind in FactKind:
        share = in_narratives[kind] / len(narratives)
        yield {"kind": kind.value, "facts": counts[kind], "narratives with one": f"{share:.1%}"}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print; see the module's text."""
    command = parser(__doc__ or "")
    command.add_argument("--schema", help="schema of real applications, to count their facts too")
    command.add_argument("--data", type=Path, help="those applications, CSV, gzipped CSV or Parquet")
    command.add_argument("--rows", type=int, default=5000, help="how many narratives (default: %(default)s)")
    command.add_argument("--hostile", action="store_true", help="read hostile texts of a million characters too")
    options = command.parse_args(arguments)
    tables = {"Marked by hand": list(marked_rows()), "Templates of the demo": list(demo_rows())}
    if options.hostile:
        tables["Hostile texts"] = list(hostile_rows())
    if options.data:
        narratives = real_narratives(load_schema(options.schema), options.data, options.rows)
        begun = process_time()
        tables["Real narratives"] = list(real_rows(narratives))
        per_second = len(narratives) / (process_time() - begun)
        mean = sum(map(len, narratives)) / len(narratives)
        tables["Speed"] = [
            {"narratives": len(narratives), "characters": f"{mean:.0f}", "per CPU second": f"{per_second:.0f}"}
        ]
    text = "\n\n".join(f"{name}\n\n{_table(rows)}" for name, rows in tables.items())
    publish(tables, text, options.json)


def _table(rows: Sequence[Mapping[str, object]]) -> str:
    return markdown(list(rows[0]), [[str(cell) for cell in row.values()] for row in rows])


if __name__ == "__main__":
    main()
