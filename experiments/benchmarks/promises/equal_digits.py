"""Whether an applicant's score depends on anything but the applicant and the model.

One file is scored again and again: in other chunks, shuffled, row by row, with a cold, a warm and no cache, with one
thread and with two, with the bundle moved. Every run is a process of its own, and all but the two with a cache encode
every text anew. Then one byte after another is flipped in a copy of the bundle, which must be refused by the name of
the damaged file. With --train, a model is trained twice with one seed, once from a cold and once from a warm cache, and
the bundles' files are compared.

    python -m experiments.benchmarks.promises.equal_digits --model model --data applications.csv.gz --rows 2000
    python -m experiments.benchmarks.promises.equal_digits --model model --data applications.csv.gz \\
        --train lending_club applications.csv.gz --until 2010-12-31

Exit code 1: something differed, or a damaged bundle was not refused.
"""

from __future__ import annotations

import csv
import hashlib
import io
import random
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from data_schemas.errors import ContractError
from experiments.benchmarks.measuring import (
    SCORED,
    draw,
    markdown,
    measure,
    model_and_data,
    parser,
    publish,
    result,
    score_command,
    tell,
    write_rows,
)
from fusion.bundle import load

Rows = Sequence[list[str]]
Answers = dict[str, tuple[str, ...]]  # what each applicant was answered, by id

CHUNKS = (7, 1_000, 100_000)


@dataclass(frozen=True)
class DigitComparison:
    """A run beside the reference. rows: applicants compared. bytes_equal: None where the files must differ."""

    run: str
    rows: int
    digits_equal: bool
    bytes_equal: bool | None


@dataclass(frozen=True)
class Flip:
    """Bytes flipped, one at a time, in one file of a bundle. message: the first refusal."""

    file: str
    flips: int
    refused_by_name: int
    message: str


@dataclass(frozen=True)
class ScoreCommand:
    """Scores the rows it is given with one bundle, in a folder of its own."""

    model: Path
    work: Path

    def __call__(self, data: Path, *more: str) -> tuple[bytes, bytes]:
        """The bytes of the scored file and of its rejects."""
        out = self.work / "out.csv"
        measure(score_command(self.model, data, out, "--force", *more), SCORED)
        return result(out)


def main(arguments: Sequence[str] | None = None) -> None:
    """Compare and print; see the module's text."""
    options = parser(__doc__ or "")
    model_and_data(options, n_rows=2000)
    options.add_argument("--singles", type=int, default=24, help="rows to score alone (default: %(default)s)")
    options.add_argument("--flips", type=int, default=5, help="bytes to flip in each file (default: %(default)s)")
    options.add_argument("--train", nargs=2, metavar=("SCHEMA", "DATA"), help="also train twice")
    options.add_argument("--until", help="with --train: the last day of decisions to learn from")
    chosen = options.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        rows = draw(chosen.data, chosen.rows)
        compared = list(comparisons(rows, chosen.model, work, chosen.singles))
        tell("flip bytes in a copy of the bundle")
        flips = list(flip_bytes(chosen.model, work / "damaged", chosen.flips))
        trained = train_twice(work, chosen.train, chosen.until) if chosen.train else {}
    report(compared, flips, trained, chosen.json)
    if not all_well(compared, flips, trained):
        sys.exit(1)


def comparisons(rows: Rows, model: Path, work: Path, n_singles: int) -> Iterator[DigitComparison]:
    """Every way of scoring the rows beside the plainest one."""
    data, scorer = work / "data.csv", ScoreCommand(model, work)
    write_rows(data, rows)
    tell("reference")
    reference = scorer(data, "--no-cache")
    wanted = answers(*reference)

    def compare(name: str, found: tuple[bytes, bytes]) -> DigitComparison:
        tell(name)
        return DigitComparison(name, len(wanted), answers(*found) == wanted, found == reference)

    for chunk_rows in CHUNKS:
        yield compare(f"--chunk-rows {chunk_rows:,}", scorer(data, "--no-cache", "--chunk-rows", str(chunk_rows)))
    cache = ("--cache", str(work / "cache"))
    yield compare("cold cache", scorer(data, *cache))
    yield compare("warm cache", scorer(data, *cache))
    for threads in ("1", "2"):
        yield compare(f"--threads {threads}", scorer(data, "--no-cache", "--threads", threads))
    moved = shutil.copytree(model, work / "elsewhere" / "moved")
    yield compare("bundle in another folder", ScoreCommand(moved, work)(data, *cache))
    write_rows(work / "shuffled.csv", [rows[0], *random.Random(1).sample(rows[1:], len(rows) - 1)])
    shuffled = answers(*scorer(work / "shuffled.csv", "--no-cache"))
    yield DigitComparison("shuffled", len(wanted), shuffled == wanted, None)
    yield _row_by_row(rows, scorer, wanted, n_singles)


def _row_by_row(rows: Rows, scorer: ScoreCommand, wanted: Answers, n_singles: int) -> DigitComparison:
    found: Answers = {}
    singles = random.Random(2).sample(rows[1:], min(n_singles, len(rows) - 1))
    for number, row in enumerate(singles):
        tell(f"row by row: {number + 1} of {len(singles)}")
        write_rows(scorer.work / "single.csv", [rows[0], row])
        found |= answers(*scorer(scorer.work / "single.csv", "--no-cache"))
    return DigitComparison("row by row", len(found), bool(found) and found.items() <= wanted.items(), None)


def answers(scored: bytes, rejects: bytes) -> Answers:
    """What stands beside each id in a scored file, and beside each rejected row's text; row numbers left out."""
    found = {}
    for _, name, *cells in _records(scored):
        found[f"scored {name}"] = tuple(cells)
    for _, column, rule, message, original in _records(rejects):
        found[f"rejected {original}"] = (column, rule, message)
    return found


def _records(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode(), newline="")))[1:]


def flip_bytes(model: Path, copy: Path, n_flips: int) -> Iterator[Flip]:
    """Flip the first, the last and random bytes of every file of a bundle, one at a time, and try to load it."""
    shutil.copytree(model, copy)
    for file in sorted(path for path in copy.rglob("*") if path.is_file()):
        name, content = str(file.relative_to(copy)), file.read_bytes()
        inner = random.Random(name).sample(range(len(content)), min(max(n_flips - 2, 0), len(content)))
        places = sorted({0, len(content) - 1, *inner})
        messages = [_refusal(copy, file, content, place) for place in places]
        yield Flip(name, len(places), sum(name in message for message in messages), messages[0])


def _refusal(bundle: Path, file: Path, content: bytes, place: int) -> str:
    """The message with which the bundle is refused while one byte of a file is flipped; empty when it is not."""
    damaged = bytearray(content)
    damaged[place] ^= 0xFF
    file.write_bytes(damaged)
    try:
        load(bundle)
    except ContractError as error:
        return error.message.replace(str(bundle), "BUNDLE")
    finally:
        file.write_bytes(content)
    return ""


def train_twice(work: Path, schema_and_data: tuple[str, str], until: str | None) -> dict[str, bool]:
    """Whether two trainings wrote the same bytes, by file of the bundle."""
    schema, data = schema_and_data
    command = [sys.executable, "-m", "creditfusion", "train", "--schema", schema, "--data", data]
    command += ["--cache", str(work / "train cache"), *(["--until", until] if until else [])]
    digests = []
    for name in ("first", "second"):
        tell(f"train the {name} model")
        measure([*command, "--out", str(work / name)], SCORED)
        digests.append(
            {
                str(file.relative_to(work / name)): hashlib.sha256(file.read_bytes()).hexdigest()
                for file in sorted((work / name).rglob("*"))
                if file.is_file()
            }
        )
    first, second = digests
    return {name: first.get(name) == second.get(name) for name in sorted({*first, *second})}


def all_well(compared: Sequence[DigitComparison], flips: Sequence[Flip], trained: dict[str, bool]) -> bool:
    """Whether nothing differed and every damage was refused by name."""
    same = all(one.digits_equal and one.bytes_equal is not False for one in compared)
    return same and all(one.flips == one.refused_by_name for one in flips) and all(trained.values())


def report(compared: Sequence[DigitComparison], flips: Sequence[Flip], trained: dict[str, bool], as_json: bool) -> None:
    """A table of the runs, one of the flipped bytes, and one of the bundles trained twice."""
    runs = [[one.run, f"{one.rows:,}", _said(one.digits_equal), _said(one.bytes_equal)] for one in compared]
    tables = [markdown(["run", "applicants", "same digits", "same bytes"], runs)]
    damages = [[one.file, str(one.flips), str(one.refused_by_name), one.message] for one in flips]
    tables.append(markdown(["damaged file", "bytes flipped", "refused by its name", "message"], damages))
    if trained:
        files = [[name, _said(same)] for name, same in trained.items()]
        tables.append(markdown(["file, trained twice", "same bytes"], files))
    found = {"runs": [asdict(one) for one in compared], "flips": [asdict(one) for one in flips], "trained": trained}
    publish(found, "\n\n".join(tables), as_json)


def _said(equal: bool | None) -> str:
    return {True: "yes", False: "NO", None: ""}[equal]


if __name__ == "__main__":
    main()
