"""The plumbing that every verb shares: progress, run log, stage timings, closing summary.

A verb opens one ``Run`` and says what it is doing; the run shows it on stderr, times it and writes it down::

    with Run.start("train", out, {"schema": schema, "seed": 7}, json_output=json_output) as run:
        with run.stage("encode", total=n, unit="texts") as advance:  # a progress line and a stage of the timings
            encoder.encode(texts, on_progress=advance_to(advance))  # advance(k): k more units are done
        for chunk in chunks:
            with run.timed("write"):  # the timing alone; the same name adds up
                ...
        run.note("fold 3 stopped early", {"fold": 3})  # a line on stderr and in the log
        run.finish({"rows": n, "out of fold": {"AUC": 0.71}})  # the closing summary

What goes where:

- stderr: progress (live on a terminal, else one line every ten seconds), notes and the summary as a table.
- stdout: nothing, or with ``json_output`` exactly one JSON object, also when the run fails after it has started.
- ``OUT.log.jsonl`` beside the output: one JSON object per event (started, stage, note, finished, failed), appended, so
  the log of a resumed run follows that of the run it resumes. The texts of applicants never enter it: an unexpected
  exception, whose message may quote a cell, is logged by its type.
"""

from __future__ import annotations

import json
import math
import resource
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import IO, TypeVar

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from data_schemas.errors import RunError, UserError
from fusion.versions import package_versions

Advance = Callable[[int], None]
Item = TypeVar("Item")
Summary = Mapping[str, object]

SOME_REJECTED = 3
"""Exit code of a verb that did its work and rejected some rows."""

INTERRUPTED = 130
"""Exit code after Ctrl-C."""

SECONDS_BETWEEN_LINES = 10.0


def advance_to(advance: Advance) -> Advance:
    """For work that tells how much is done so far (encoders do): ``advance`` as a function of that total."""
    done = 0

    def tell(so_far: int) -> None:
        nonlocal done
        advance(so_far - done)
        done = so_far

    return tell


def peak_memory_mb() -> float:
    """Most memory this process has held so far, in MB (10^6 bytes), as the operating system counts it."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


def to_json(value: object) -> object:
    """``value`` as what JSON can hold: NaN and infinities become null, numpy scalars numbers, all else text."""
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json(item) for item in value]
    if hasattr(value, "item") and getattr(value, "shape", None) == ():
        return to_json(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)


@dataclass(frozen=True)
class RunLog:
    """Events of a run as JSON lines; without a path it keeps nothing."""

    path: Path | None

    def write(self, event: str, fields: Mapping[str, object]) -> None:
        """Append one event with the time (UTC). A log that cannot be written never stops the run."""
        if self.path is None:
            return
        line = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "event": event, **fields}
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(to_json(line), ensure_ascii=False) + "\n")
        except OSError:
            return


@dataclass
class Clock:
    """Wall seconds per stage; a stage entered again adds up."""

    seconds: dict[str, float] = field(default_factory=dict)
    started: float = field(default_factory=time.perf_counter)

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Time what happens inside and add it to the stage."""
        begin = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - begin

    @property
    def total(self) -> float:
        """Seconds since the clock was made."""
        return time.perf_counter() - self.started


class RateColumn(ProgressColumn):
    """Units per second of a task."""

    def render(self, task: Task) -> Text:
        """The rate as text, empty until it is known."""
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else rate_text(speed, task.fields["unit"]))


class TerminalProgress:
    """Live progress bars, one per stage, with rate, time left and time taken."""

    def __init__(self, console: Console) -> None:
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            RateColumn(),
            TimeRemainingColumn(),
            TimeElapsedColumn(),
            console=console,
        )

    @contextmanager
    def task(self, name: str, total: int | None, unit: str) -> Iterator[Advance]:
        """A bar that the yielded function moves on; a bar inside another one goes when its task ends."""
        self._bars.start()
        bar = self._bars.add_task(escape(name), total=total, unit=unit)
        try:
            yield lambda count: self._bars.advance(bar, count)
        finally:
            if len(self._bars.tasks) == 1:  # the outermost bar stays on the screen as it stands
                self._bars.stop()
            self._bars.remove_task(bar)


class LineProgress:
    """Progress where stderr is a file: a line every some seconds, nothing for what is quick."""

    def __init__(self, console: Console, every: float = SECONDS_BETWEEN_LINES) -> None:
        self._console = console
        self._every = every

    @contextmanager
    def task(self, name: str, total: int | None, unit: str) -> Iterator[Advance]:
        """Lines about one task."""
        begin = shown = time.perf_counter()
        done = 0

        def advance(count: int) -> None:
            nonlocal done, shown
            done += count
            now = time.perf_counter()
            if now - shown >= self._every:
                shown = now
                self._console.print(escape(progress_line(name, done, total, unit, now - begin)), soft_wrap=True)

        yield advance


def rate_text(rate: float, unit: str) -> str:
    """Units per second, or seconds per unit for what is slow."""
    return f"{1 / rate:,.1f} s each" if 0 < rate < 1 else f"{rate:,.0f} {unit}/s"


def progress_line(name: str, done: int, total: int | None, unit: str, seconds: float) -> str:
    """One line of progress: what is done, of how much, how fast, how long still."""
    rate = done / seconds if seconds > 0 else 0.0
    line = f"{name}: {done:,}" + (f" of {total:,}" if total else "") + f" {unit}, {rate_text(rate, unit)}"
    if total and rate:
        line += f", {max(total - done, 0) / rate:,.0f} s left"
    return line


def summary_table(title: str, summary: Summary) -> Table:
    """The summary as a table of two columns; a mapping inside it becomes a section under its own heading.

    A mapping of mappings is left to ``summary_grids``.
    """
    table = Table("", "", title=escape(title), show_header=False, title_justify="left")
    for key, value in summary.items():
        if not isinstance(value, Mapping):
            table.add_row(_label(key), _text(value))
    for key, value in summary.items():
        if isinstance(value, Mapping) and value and not _is_grid(value):
            table.add_section()
            table.add_row(f"[bold]{_label(key)}[/bold]", "")
            for name, item in value.items():
                table.add_row(f"  {_label(str(name))}", _text(item))
    return table


def summary_grids(summary: Summary) -> list[Table]:
    """Every mapping of mappings as a table: one column per inner mapping, to be read side by side."""
    grids = []
    for key, value in summary.items():
        if isinstance(value, Mapping) and _is_grid(value):
            table = Table("", title=_label(key), title_justify="left")
            for name in value:
                table.add_column(escape(str(name)), overflow="fold", justify="right")
            for row in next(iter(value.values())):
                table.add_row(_label(str(row)), *(_text(column.get(row)) for column in value.values()))
            grids.append(table)
    return grids


def _is_grid(value: Mapping[object, object]) -> bool:
    return bool(value) and all(isinstance(item, Mapping) for item in value.values())


def _label(key: str) -> str:
    return escape(key.replace("_", " "))


def _text(value: object) -> str:
    """A value for reading: thousands separated, four significant digits below 1,000."""
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    if isinstance(value, Mapping):
        return ", ".join(f"{_label(str(key))} {_text(item)}" for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(_text(item) for item in value)
    return escape("" if value is None else str(value))


def log_path(out: Path) -> Path:
    """Where the run log of an output lies: ``OUT.log.jsonl`` beside it."""
    return out.parent / f"{out.name}.log.jsonl"


class Run:
    """One run of a verb, from its start to its summary; see the module's docstring."""

    def __init__(self, verb: str, log: RunLog, console: Console, json_stream: IO[str] | None) -> None:
        self.verb = verb
        self.log = log
        self.console = console
        self.clock = Clock()
        self._json_stream = json_stream
        self._progress = TerminalProgress(console) if console.is_terminal else LineProgress(console)

    @staticmethod
    def start(verb: str, out: Path | None, arguments: Mapping[str, object], json_output: bool = False) -> Run:
        """Open a run whose log lies beside ``out`` (None: no log); ``out``'s folder is made where it is missing.

        Raises RunError when that folder cannot be made.
        """
        if out is not None:
            try:
                out.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise RunError(
                    f"cannot make the folder {out.parent}: {error.strerror}", "Choose another output path."
                ) from error
        run = Run(
            verb, RunLog(log_path(out) if out else None), Console(stderr=True), sys.stdout if json_output else None
        )
        run.log.write("started", {"verb": verb, "arguments": arguments, "versions": package_versions()})
        return run

    def __enter__(self) -> Run:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            return
        failure: dict[str, object] = {"error": type(error).__name__}
        if isinstance(error, UserError):
            failure |= {"message": error.message, "remedy": error.remedy}
        self.log.write("failed", {**failure, "seconds": self.clock.total, "stages": self.clock.seconds})
        self._print_json({"verb": self.verb, "status": "failed", **failure})

    @contextmanager
    def stage(self, name: str, total: int | None = None, unit: str = "rows") -> Iterator[Advance]:
        """A stage of the run: shown, timed and, once it has ended well, logged. Yields ``advance(count)``."""
        begin = self.clock.seconds.get(name, 0.0)
        with self.timed(name), self.progress(name, total, unit) as advance:
            yield advance
        self.log.write("stage", {"stage": name, "seconds": self.clock.seconds[name] - begin, "total": total})

    @contextmanager
    def progress(self, name: str, total: int | None = None, unit: str = "rows") -> Iterator[Advance]:
        """Progress alone, without a timing; may lie around or inside stages."""
        with self._progress.task(name, total, unit) as advance:
            yield advance

    def timed_each(self, name: str, items: Iterator[Item]) -> Iterator[Item]:
        """The items one by one; the time that it takes to make them counts for the stage ``name``."""
        while True:
            with self.timed(name):
                made = list(islice(items, 1))
            if not made:
                return
            yield made[0]

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """A timing alone, for steps that come back chunk after chunk."""
        with self.clock.timed(name):
            yield

    def note(self, message: str, fields: Mapping[str, object] | None = None) -> None:
        """Tell the user something, and log it. Neither may hold an applicant's text."""
        self.console.print(escape(message), soft_wrap=True)
        self.log.write("note", {"message": message, **(fields or {})})

    def finish(self, summary: Summary, shown: Summary | None = None) -> None:
        """Show, print (``--json``) and log the closing summary, with the time per stage and the peak memory added.

        shown: what people see in its place, where they want other words than machines.
        """
        stages = {name: round(seconds, 3) for name, seconds in self.clock.seconds.items()}
        costs: dict[str, object] = {
            "seconds": {**stages, "total": round(self.clock.total, 3)},
            "peak_memory_mb": round(peak_memory_mb(), 1),
        }
        full = {**summary, **costs}
        self.log.write("finished", {"verb": self.verb, "summary": full})
        told = {**(shown or summary), **costs}
        self.console.print(summary_table(f"creditfusion {self.verb}", told), *summary_grids(told))
        self._print_json({"verb": self.verb, "status": "done", **full})

    def _print_json(self, content: Mapping[str, object]) -> None:
        if self._json_stream is not None:
            self._json_stream.write(json.dumps(to_json(content), ensure_ascii=False) + "\n")
            self._json_stream.flush()
