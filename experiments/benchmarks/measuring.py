"""What the benchmarks share: commands run and measured as child processes, samples of a data file, tables.

The scripts print Markdown tables, or JSON with ``--json``, on stdout, and their progress on stderr. They read plain and
gzipped CSV.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import os
import platform
import random
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import IO, Any

from features.tables.csv_records import MAX_RECORD

SCORED = (0, 3)  # exit codes of `score`: done, done but some rows were rejected
BYTES_OF_RSS = 1 if sys.platform == "darwin" else 1024  # the unit of ru_maxrss
NOT_WORK = ("load", "total")  # stage times that are start-up, or a sum

# A small process between us and the command: a child's peak RSS begins at that of the process which starts it, and
# that one may be large here.
_METER = """
import os, sys, threading, time
begin = time.perf_counter()
child = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ)
resident = []
def watch():
    try:
        while True:
            with open(f"/proc/{child}/statm") as file:
                resident.append(int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 10**6)
            time.sleep(1.0)
    except (OSError, IndexError):
        pass  # it has ended, or this system has no such file
threading.Thread(target=watch, daemon=True).start()
_, status, usage = os.wait4(child, 0)
cpu = usage.ru_utime + usage.ru_stime
print("\\n" + ",".join(map(str, resident)) + ";", end="")
print(f"{time.perf_counter() - begin} {cpu} {usage.ru_maxrss} {os.waitstatus_to_exitcode(status)}")
"""


@dataclass(frozen=True)
class Measured:
    """A command that has ended.

    seconds: wall time of the whole process. cpu_seconds: what its threads took of all cores, which others' load changes
    less. peak_mb: its largest resident set, in 10^6 bytes. output: its stdout. resident_mb: its resident set, second by
    second, where the system shows it.
    """

    seconds: float
    cpu_seconds: float
    peak_mb: float
    output: str
    resident_mb: tuple[int, ...] = ()

    @property
    def summary(self) -> dict[str, Any]:
        """The JSON object that it printed."""
        found: dict[str, Any] = json.loads(self.output)
        return found

    @property
    def working_seconds(self) -> float:
        """Seconds without start-up: the stages that it reports, loading the model left out."""
        stages: dict[str, float] = self.summary["seconds"]
        return sum(seconds for name, seconds in stages.items() if name not in NOT_WORK)


def measure(command: Sequence[str], allowed: Sequence[int] = (0,)) -> Measured:
    """Run a command to its end; RuntimeError with the end of its stderr when its exit code is not ``allowed``."""
    metered = [sys.executable, "-I", "-S", "-c", _METER, *command]
    done = subprocess.run(metered, capture_output=True, text=True, check=False)
    output, _, figures = done.stdout.rstrip("\n").rpartition("\n")
    if done.returncode != 0:
        raise RuntimeError(f"cannot run {command[0]}: {done.stderr[-2000:]}")
    listed, _, costs = figures.partition(";")
    seconds, cpu, peak, code = costs.split()
    if int(code) not in allowed:
        raise RuntimeError(f"exit code {code} of {' '.join(command)}\n{done.stderr[-2000:]}")
    resident = tuple(map(int, filter(None, listed.split(","))))
    return Measured(float(seconds), float(cpu), int(peak) * BYTES_OF_RSS / 1e6, output, resident)


def score_command(model: Path, data: Path, out: Path, *more: str) -> list[str]:
    """``creditfusion score`` with its summary as JSON, as a command of its own process."""
    files = ["--model", str(model), "--data", str(data), "--out", str(out)]
    return [sys.executable, "-m", "creditfusion", "score", *files, "--json", *more]


def rows_of(data: Path) -> Iterator[list[str]]:
    """The records of a CSV file, header first, cells as they stand."""
    with _open(data) as file:
        yield from csv.reader(file)


def write_rows(path: Path, rows: Iterable[Sequence[str]]) -> None:
    """Write records, header first, as plain CSV."""
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def draw(data: Path, n_rows: int, seed: int = 0) -> list[list[str]]:
    """The header and ``n_rows`` records drawn without replacement, in file order; all of them if there are fewer."""
    n_all = sum(1 for _ in rows_of(data)) - 1
    drawn = set(random.Random(seed).sample(range(1, n_all + 1), min(n_rows, n_all)))
    return [row for n, row in enumerate(rows_of(data)) if n == 0 or n in drawn]


def median_ratio(base: Sequence[float], other: Sequence[float]) -> float:
    """How many times less ``other`` is than ``base``: the median over rounds of the ratios taken side by side."""
    return median(one / two for one, two in zip(base, other, strict=True))


def markdown(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table: first column to the left, the others to the right."""
    lines = [headers, ["---", *["---:"] * (len(headers) - 1)], *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |" for line in lines)


def machine() -> str:
    """Processor, cores that may be used, memory, and the load that others put on it now."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return f"{model}, {_cores()} cores, {memory:.0f} GB, load {os.getloadavg()[0]:.1f} at the end"


def parser(module_text: str) -> argparse.ArgumentParser:
    """A command line that explains itself with its module's text, with ``--json``."""
    made = argparse.ArgumentParser(description=module_text, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--json", action="store_true", help="print one JSON object instead of tables")
    return made


def model_and_data(to: argparse.ArgumentParser, n_rows: int) -> None:
    """Add --model, --data and --rows."""
    to.add_argument("--model", type=Path, required=True, help="model bundle, the folder that `train` wrote")
    to.add_argument("--data", type=Path, required=True, help="applications, CSV or gzipped CSV")
    to.add_argument("--rows", type=int, default=n_rows, help="how many rows to draw at random (default: %(default)s)")


def tell(line: str) -> None:
    """A line of progress."""
    print(line, file=sys.stderr, flush=True)


def publish(found: Mapping[str, object], tables: str, as_json: bool) -> None:
    """The figures on stdout, for machines or for reading; the machine they hold for is added."""
    if as_json:
        print(json.dumps({**found, "machine": machine()}))
    else:
        print(f"{tables}\n\n{machine()}")


def _open(data: Path) -> IO[str]:
    csv.field_size_limit(MAX_RECORD)
    if data.name.endswith(".gz"):
        return gzip.open(data, "rt", newline="", encoding="utf-8")
    return data.open(newline="", encoding="utf-8")


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
