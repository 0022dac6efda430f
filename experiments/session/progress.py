"""Progress of long work: live bars on a terminal, lines where stderr is a file, and the seconds of its stages."""

from __future__ import annotations

import resource
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

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
from rich.text import Text

Advance = Callable[[int], None]
"""Called with the number of units that were done since the last call."""

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


@dataclass
class Clock:
    """Wall seconds per stage; a stage entered again adds up, in several threads too."""

    seconds: dict[str, float] = field(default_factory=dict)
    started: float = field(default_factory=time.perf_counter)
    _adding: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Time what happens inside and add it to the stage."""
        begin = time.perf_counter()
        try:
            yield
        finally:
            with self._adding:
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
