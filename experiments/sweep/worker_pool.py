"""The workers of a sweep on this machine: started, watched, replaced when they die, and asked to stop."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from data_schemas.errors import RunError
from experiments.sweep.worker import ORDER, WorkerOrder

MAX_DEATHS = 5
"""Deaths of workers in a row, without a trial that came to an end between them, after which the sweep gives up."""


@dataclass
class Member:
    """A running worker.

    order: what it has to do.
    process: it.
    log: what it writes to stderr.
    """

    order: WorkerOrder
    process: subprocess.Popen[str]
    log: IO[str]


@dataclass
class WorkerPool:
    """Worker processes.

    folder: where their logs are kept.
    requeue: queues again what a dead worker was running, by its process id and whether that counts as a try.
    members: those that run.
    deaths: since a trial came to an end.
    """

    folder: Path
    requeue: Callable[[int, bool], object]
    members: list[Member] = field(default_factory=list)
    deaths: int = 0

    def start(self, order: WorkerOrder) -> None:
        """Begin a worker. Raises RunError where the machine has no room for one."""
        try:
            member = self._begin(order)
        except OSError as error:
            raise RunError(
                f"worker {order.number} cannot be started ({error.strerror})",
                "Look at the disk of --out and at the memory, or take fewer --workers; the sweep goes on where it was.",
            ) from error
        assert member.process.stdin is not None
        self.members.append(member)
        with suppress(BrokenPipeError), member.process.stdin as stdin:  # one that is dead already is replaced later
            stdin.write(ORDER.dump_json(order).decode())

    def _begin(self, order: WorkerOrder) -> Member:
        log = (self.folder / f"worker-{order.number}.log").open("a+", encoding="utf-8")
        try:
            log.seek(0, 2)
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "experiments.sweep.worker", str(os.getpid())],  # -P: not what lies here
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=log,
                text=True,
                env=os.environ | {"OMP_NUM_THREADS": str(order.threads)},  # of all libraries, not of torch alone
            )
        except OSError:
            log.close()
            raise
        return Member(order, process, log)

    def replace_dead(self) -> int:
        """Replace the workers that were killed; how many are at work.

        Raises RunError for a worker that failed, and when they keep dying.
        """
        for member in [one for one in self.members if one.process.poll() is not None]:
            self.members.remove(member)
            code = member.process.returncode
            if code:
                self.requeue(member.process.pid, True)
            if code > 0:
                raise _failure(member)
            member.log.close()
            if code < 0:
                self.deaths += 1
                if self.deaths > MAX_DEATHS:
                    raise RunError(
                        f"{self.deaths} workers in a row were ended by signal {-code} before a trial was done",
                        "If memory ran out, take fewer --workers; the sweep goes on where it was.",
                    )
                self.start(member.order)
        return len(self.members)

    def ask_to_stop(self) -> None:
        """Ask every worker to end after its current fold and to queue its trial again."""
        for member in self.members:
            member.process.send_signal(signal.SIGTERM)

    def wait(self, seconds: float) -> None:
        """Until all have ended; those that have not after so many seconds are killed."""
        deadline = time.monotonic() + seconds
        try:
            for member in self.members:
                member.process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End all at once; what they were running is queued again."""
        members, self.members = self.members, []
        for member in members:
            member.process.kill()
            member.process.wait()
            member.log.close()
        for member in members:
            self.requeue(member.process.pid, False)


def _failure(member: Member) -> RunError:
    """What a worker failed of, in its own words."""
    member.log.seek(0)
    with member.log:
        lines = member.log.read().splitlines()
    try:
        reason = json.loads(lines[-1])
        return RunError(reason["message"], reason["remedy"])
    except (IndexError, ValueError, TypeError, KeyError):
        return RunError(
            f"worker {member.order.number} failed, see {member.log.name}",
            "Run the same command again to go on; if it happens again, this is a fault of creditfusion.",
        )
