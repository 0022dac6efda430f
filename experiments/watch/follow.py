"""Following a folder: files are watched as they arrive, until the process is asked to end."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from data_schemas.errors import RunError
from experiments.session.interrupts import terminated_as_interrupted
from experiments.watch.job import Watch

SECONDS = 5.0
"""Between two looks at the folder; a file is taken once two looks in a row find the same size and time of change."""
UNFINISHED = (".part", ".tmp")
"""Endings of files that are still being written."""

RETRY_SECONDS = 60.0
"""Until alerts that a receiver did not take are tried again."""

Wait = Callable[[float], None]
_Stamp = tuple[int, int]


@dataclass
class Folder:
    """A folder in which files arrive.

    Attributes:
        path: of it.
    """

    path: Path
    _last_stamps: dict[Path, _Stamp] = field(default_factory=dict)
    _done: dict[Path, _Stamp] = field(default_factory=dict)

    def arrived(self) -> list[Path]:
        """Files that are whole and have not been given before, the oldest first; raises OSError without the folder.

        A file is given again when it has changed.
        """
        now: dict[Path, _Stamp] = {}
        for path in self.path.iterdir():
            if path.name.startswith(".") or path.name.endswith(UNFINISHED):
                continue
            try:
                status = path.stat()
            except OSError:
                continue  # gone since the folder was read
            if path.is_file():
                now[path] = (status.st_size, status.st_mtime_ns)
        settled = [path for path, stamp in now.items() if self._last_stamps.get(path) == stamp != self._done.get(path)]
        self._last_stamps = now
        self._done = {path: stamp for path, stamp in self._done.items() if path in now}
        self._done |= {path: now[path] for path in settled}
        return sorted(settled, key=lambda path: (now[path][1], path.name))


def _arrived(folder: Folder) -> list[Path]:
    try:
        return folder.arrived()
    except OSError as error:
        what = f"the folder {folder.path} cannot be read any more ({error.strerror})"
        raise RunError(what, "Run the same command again once it is there.") from error


def follow(watch: Watch, folder: Path, today: Callable[[], date], wait: Wait = time.sleep) -> None:
    """Watch files as they arrive in a folder, until Ctrl-C or SIGTERM; what is being read then is read by the next run.

    A file that cannot be read is noted, with the reason, and left. Raises RunError where the folder has gone.

    Args:
        watch: takes the files.
        folder: that is followed.
        today: the day it is.
        wait: until the next look.
    """
    arriving, last = Folder(folder), time.monotonic()
    watch.run.note(f"following {folder}: Ctrl-C or SIGTERM ends it", {"following": folder})
    try:
        with terminated_as_interrupted():
            while True:
                for path in _arrived(arriving):
                    watch.take_or_refuse(path)
                    watch.settle(today())
                if watch.settle(today()):  # a day may have ended
                    last = time.monotonic()
                elif time.monotonic() - last >= RETRY_SECONDS:
                    watch.deliverer.deliver(watch.state, watch.run)
                    last = time.monotonic()
                wait(SECONDS)
    except KeyboardInterrupt:
        watch.run.note("asked to end")
