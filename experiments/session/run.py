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
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import IO, TypeVar

from rich.console import Console
from rich.markup import escape

from data_schemas.errors import RunError, UserError
from experiments.session.progress import Advance, Clock, LineProgress, TerminalProgress, peak_memory_mb
from experiments.session.run_log import RunLog, log_path, to_json
from experiments.session.standard_streams import as_named
from experiments.session.summary import Summary, summary_grids, summary_table
from fusion.bundle_folder import check_outside
from fusion.versions import package_versions

Item = TypeVar("Item")

SOME_REJECTED = 3
"""Exit code of a verb that did its work and rejected some rows."""

ALL_REJECTED = 2
"""Exit code of a verb that read rows, all of which broke the contract: that of a broken contract."""

WARNED = 4
"""Exit code of a verb that --strict stops at what it would only warn of."""

INTERRUPTED = 130
"""Exit code after Ctrl-C."""


class Run:
    """One run of a verb, from its start to its summary; see the module's docstring."""

    def __init__(self, verb: str, log: RunLog, console: Console, json_stream: IO[str] | None) -> None:
        self.verb = verb
        self.log = log
        self.console = console
        self.clock = Clock()
        self._json_stream = json_stream
        self._held = ExitStack()
        self._progress = TerminalProgress(console) if console.is_terminal else LineProgress(console)

    @staticmethod
    def start(verb: str, out: Path | None, arguments: Mapping[str, object], json_output: bool = False) -> Run:
        """Open a run whose log lies beside ``out`` (None: no log); ``out``'s folder is made where it is missing.

        Raises RunError when that folder cannot be made, ContractError when ``out`` lies in a bundle; only ``train`` may
        name a bundle itself, which it replaces.
        """
        if out is not None:
            check_outside(out.parent if verb == "train" else out)
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
        self._held.close()
        if error is None:
            return
        failure: dict[str, object] = {"error": type(error).__name__}
        if isinstance(error, UserError):
            failure |= {"message": as_named(error.message), "remedy": as_named(error.remedy)}
        self.log.write("failed", {**failure, "seconds": self.clock.total, "stages": self.clock.seconds})

    def hold(self, resource: AbstractContextManager[Item]) -> Item:
        """What a resource gives when it is opened; it is closed when the run ends."""
        return self._held.enter_context(resource)

    @contextmanager
    def scope(self) -> Iterator[None]:
        """What is held inside is closed when the block ends, before the run does."""
        outer, self._held = self._held, ExitStack()
        try:
            with self._held:
                yield
        finally:
            self._held = outer

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

    def show(self, message: str) -> None:
        """Tell the user something that the log does not keep, such as a key that has no match."""
        self.console.print(escape(message), soft_wrap=True)

    def note(self, message: str, fields: Mapping[str, object] | None = None) -> None:
        """Tell the user something, and log it. Neither may hold an applicant's text."""
        self.show(message)
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
        displayed = {**(shown or summary), **costs}
        self.console.print(summary_table(f"creditfusion {self.verb}", displayed), *summary_grids(displayed))
        self._print_json({"verb": self.verb, "status": "done", **full})

    def _print_json(self, content: Mapping[str, object]) -> None:
        if self._json_stream is not None:
            self._json_stream.write(json.dumps(to_json(content)) + "\n")  # ASCII: any stdout takes it
            self._json_stream.flush()
