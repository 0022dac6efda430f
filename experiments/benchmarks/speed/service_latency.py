"""How long the service takes on loopback, and whether 10,000 hostile requests find a fault in it.

Starts ``creditfusion serve`` on a free loopback port, asks it for one application at a time from 1, 8 and 32 clients,
each over one connection, until ``--requests`` are answered, and gives the median and the 99th percentile. Then
``--hostile`` requests of broken types, texts, sizes, headers and JSON follow from 16 clients. Every part ends by
itself: after its requests, or ``--seconds``.

    python -m experiments.benchmarks.speed.service_latency --model model --data applications.csv --requests 2000

Exit code 1: a hostile request was answered with a 5xx status, or what it said stands in the log of the service.
"""

from __future__ import annotations

import http.client
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from experiments.benchmarks.measuring import draw, markdown, model_and_data, parser, publish, tell
from experiments.benchmarks.speed.hostile_requests import SECRET, Request, hostile_requests

CLIENTS = (1, 8, 32)
HOSTILE_CLIENTS = 16
WARM_UP = 20
Row = Mapping[str, str]


@dataclass(frozen=True)
class Place:
    """A running service.

    Attributes:
        host: Its address.
        port: Its port.
        log: What it wrote to stderr.
        decisions: Its decision log.
    """

    host: str
    port: int
    log: Path
    decisions: Path


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print; see the module's text."""
    options = parser(__doc__ or "")
    model_and_data(options, 2000)
    options.add_argument("--requests", type=int, default=2000, help="for each number of clients (default: %(default)s)")
    options.add_argument("--hostile", type=int, default=10_000, help="hostile requests (default: %(default)s)")
    options.add_argument("--reasons", type=int, default=4, help="reasons per application (default: %(default)s)")
    options.add_argument("--seconds", type=float, default=300, help="for each part at most (default: %(default)s)")
    chosen = options.parse_args(arguments)
    records = draw(chosen.data, chosen.rows)
    rows = [dict(zip(records[0], record, strict=True)) for record in records[1:]]
    with running_service(chosen.model, chosen.reasons) as place:
        plain = [scored_request(row) for row in rows]
        ask_all(place, plain[:WARM_UP], 1, chosen.seconds)
        found = {}
        for clients in CLIENTS:
            tell(f"{clients} clients")
            wanted = [plain[at % len(plain)] for at in range(chosen.requests)]
            found[str(clients)] = figures(*ask_all(place, wanted, clients, chosen.seconds))
        tell(f"{chosen.hostile:,} hostile requests")
        statuses, seconds = hostile_statuses(place, rows, chosen.hostile, chosen.seconds)
        logged = place.log.read_text(encoding="utf-8") + place.decisions.read_text(encoding="utf-8")
    leaks = logged.count(SECRET)
    faults = sum(count for status, count in statuses.items() if status >= 500)
    lines = [
        [name, f"{one['requests']:.0f}", f"{one['per_second']:.1f}", f"{one['p50']:.0f}", f"{one['p99']:.0f}"]
        for name, one in found.items()
    ]
    table = markdown(["clients", "requests", "requests/s", "p50, ms", "p99, ms"], lines)
    answered = ", ".join(f"{status}: {count:,}" for status, count in sorted(statuses.items()))
    hostile = {"statuses": {str(status): count for status, count in statuses.items()}, "seconds": seconds}
    words = f"{sum(statuses.values()):,} hostile requests in {seconds:.0f} s: {answered}; leaks: {leaks}"
    publish({"latency": found, "hostile": hostile, "leaks": leaks}, f"{table}\n\n{words}", chosen.json)
    sys.exit(1 if faults or leaks else 0)


@contextmanager
def running_service(model: Path, reasons: int) -> Iterator[Place]:
    """A service of its own on a free loopback port, with a decision log and without a limit on the rate."""
    with tempfile.TemporaryDirectory(prefix="service-latency-") as name:
        folder = Path(name)
        command = [sys.executable, "-P", "-m", "creditfusion", "serve", "--model", str(model), "--port", "0", "--json"]
        command += ["--log", str(folder / "decisions.jsonl"), "--rate", "0", "--reasons", str(reasons)]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            assert process.stdout is not None
            url = json.loads(process.stdout.readline())["url"]
            host, port = url.removeprefix("http://").split(":")
            yield Place(host, int(port), folder / "log", folder / "decisions.jsonl")
        finally:
            process.terminate()
            process.communicate(timeout=120)


def scored_request(row: Row) -> Request:
    """An application to be scored."""
    return Request("/score", json.dumps(row).encode(), {"content-type": "application/json"})


def ask_all(place: Place, requests: Sequence[Request], clients: int, seconds: float) -> tuple[list[float], float]:
    """Seconds of each request, shared out among clients, and of all together."""
    begin = time.perf_counter()

    def client(number: int) -> list[float]:
        taken = []
        connection = http.client.HTTPConnection(place.host, place.port, timeout=seconds)
        for request in requests[number::clients]:
            if time.perf_counter() - begin > seconds:
                break
            start = time.perf_counter()
            status, body = asked(connection, request)
            taken.append(time.perf_counter() - start)
            if status not in (200, 422):
                raise RuntimeError(f"status {status}: {body.decode()}")
        connection.close()
        return taken

    with ThreadPoolExecutor(clients) as pool:
        taken = [one for own in pool.map(client, range(clients)) for one in own]
    return taken, time.perf_counter() - begin


def asked(connection: http.client.HTTPConnection, request: Request) -> tuple[int, bytes]:
    """Status and body of an answer."""
    connection.request(request.method, request.path, request.body, dict(request.headers))
    answer = connection.getresponse()
    return answer.status, answer.read()


def hostile_statuses(place: Place, rows: Sequence[Row], n: int, seconds: float) -> tuple[Counter[int], float]:
    """How often each status was answered; 0 where the service closed the connection on what was too much."""
    begin = time.perf_counter()

    def client(number: int) -> Counter[int]:
        found: Counter[int] = Counter()
        connection = http.client.HTTPConnection(place.host, place.port, timeout=seconds)
        for request in hostile_requests(random.Random(number), rows, n // HOSTILE_CLIENTS):
            if time.perf_counter() - begin > seconds:
                break
            found[attempt(connection, request)] += 1
        connection.close()
        return found

    with ThreadPoolExecutor(HOSTILE_CLIENTS) as pool:
        statuses = sum(pool.map(client, range(HOSTILE_CLIENTS)), Counter[int]())
    return statuses, time.perf_counter() - begin


def attempt(connection: http.client.HTTPConnection, request: Request) -> int:
    """The status of an answer, 0 for none; the connection may be used again."""
    try:
        return asked(connection, request)[0]
    except (OSError, http.client.HTTPException):
        connection.close()
        return 0


def figures(taken: Sequence[float], seconds: float) -> dict[str, float]:
    """Requests a second, and quantiles in milliseconds."""
    ordered = sorted(taken)
    half, most = (1e3 * ordered[int(share * (len(ordered) - 1))] for share in (0.5, 0.99))
    return {"requests": len(taken), "per_second": len(taken) / seconds, "p50": half, "p99": most}


if __name__ == "__main__":
    main()
