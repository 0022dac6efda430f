"""A PostgreSQL server of the tests' own: made in a temporary folder, on a free port, ended by its process id."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

USER, PASSWORD = "sweeper", "s3cret/@pass"
QUOTED = "s3cret%2F%40pass"


@dataclass(frozen=True)
class Server:
    """A running server."""

    port: int

    def url(self, database: str, scheme: str = "postgresql") -> str:
        return f"{scheme}://{USER}:{QUOTED}@127.0.0.1:{self.port}/{database}"

    def create(self, database: str) -> str:
        """A fresh database; its URL."""
        connection = self._connect()
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(f'CREATE DATABASE "{database}"')
        connection.close()
        return self.url(database)

    def wait(self, process: subprocess.Popen[Any]) -> None:
        import psycopg2  # here, so that the module can be imported where the driver is absent

        for _ in range(6000):
            if process.poll() is not None:
                break
            try:
                self._connect().close()
                return
            except psycopg2.OperationalError:
                time.sleep(0.1)
        raise RuntimeError(f"the PostgreSQL server did not start (exit code {process.poll()})")

    def _connect(self) -> Any:  # the driver has no types
        import psycopg2

        return psycopg2.connect(host="127.0.0.1", port=self.port, user=USER, password=PASSWORD, dbname="postgres")


def server_binaries() -> Path | None:
    """The folder of initdb and postgres: that of PATH, else the newest one that Debian's packages installed."""
    found = shutil.which("initdb")
    if found and shutil.which("postgres"):
        return Path(found).parent
    folders = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    return max(folders, key=lambda folder: float(folder.parent.name), default=None)


@contextmanager
def running_server(binaries: Path) -> Iterator[Server]:
    """A server that lives as long as the context; PostgreSQL refuses root, so root hands it to another user."""
    account = _other_user() if os.getuid() == 0 else pwd.getpwuid(os.getuid())
    user = account.pw_uid if os.getuid() == 0 else None
    group = account.pw_gid if os.getuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="pg-") as name:
        folder = Path(name)
        (folder / "password").write_text(PASSWORD)
        for path in (folder, folder / "password"):
            os.chown(path, account.pw_uid, account.pw_gid)
        data = str(folder / "data")
        make: list[str | Path] = [
            binaries / "initdb",
            "-D",
            data,
            "-U",
            USER,
            "--auth=scram-sha-256",
            f"--pwfile={folder / 'password'}",
        ]
        make += ["--no-sync", "--encoding=UTF8", "--locale=C"]
        alone: dict[str, Any] = {"user": user, "group": group, "extra_groups": []} if user is not None else {}
        subprocess.run(make, check=True, capture_output=True, cwd=folder, **alone)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = int(free.getsockname()[1])
        run: list[str | Path] = [
            binaries / "postgres",
            "-D",
            data,
            "-p",
            str(port),
            "-k",
            name,
            "-h",
            "127.0.0.1",
            "-F",
        ]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(run, stdout=log, stderr=log, cwd=folder, **alone)
        try:
            server = Server(port)
            server.wait(process)
            yield server
        finally:
            process.send_signal(signal.SIGINT)  # "fast": connections are closed
            process.wait(600)


def _other_user() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RuntimeError("root has no other user to run PostgreSQL as")
