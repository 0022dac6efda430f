"""The service's life: models loaded and prepared, the port opened, requests served, what was accepted finished."""

from __future__ import annotations

import ipaddress
import signal
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import uvicorn

from data_schemas.errors import ContractError, RunError
from data_schemas.fields import FieldType, Role
from experiments.serve.connections import bounded_connections
from experiments.serve.front import Front
from experiments.serve.records import read_fields
from experiments.serve.routing import Routing
from experiments.serve.scoring import Models
from experiments.serve.service import Service
from experiments.session.run import Run
from experiments.session.second_models import SecondModels
from features.tables.applications import Applications
from features.tables.cell_checks import typed_frame
from features.tables.stated import with_facts
from fusion.scorer import Scorer, load_scorer
from fusion.text_encoder import VectorCache

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
CONNECTIONS = 512  # at once; more are answered 503
IDLE_SECONDS = 30  # that a connection without a request stays open
BACKLOG = 128
FIRST_WORDS = "A first application."


@dataclass(frozen=True)
class ModelFiles:
    """Which bundles are served.

    Attributes:
        model: The champion.
        challenger: Decides ``share`` of the applications; None without one.
        shadow: Scores every application, and is only logged; None without one.
        share: Of the challenger.
        experiment: Its name; None for one made of the two models' ids.
        policy: Decides for all of them; None: each model's own cut-off.
        second: Second models as ``--second`` names them.
        reasons: At most so many stand beside a score.
    """

    model: Path
    challenger: Path | None = None
    shadow: Path | None = None
    share: float = 0.1
    experiment: str | None = None
    policy: Path | None = None
    second: tuple[str, ...] = ()
    reasons: int = 4


@dataclass(frozen=True)
class Address:
    """Where the service listens.

    Attributes:
        host: A name or an address.
        port: 0 for a free one.
    """

    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Whether nobody but this machine can reach it."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def load_models(files: ModelFiles, vectors: VectorCache | None, threads: int) -> Models:
    """The models, verified and prepared, so that the first request is as quick as all others.

    Raises ContractError for bundles that do not fit each other, else as ``load_scorer`` does.
    """
    if files.challenger and files.shadow:
        what = "--challenger and --shadow name two more models"
        raise ContractError(what, "Name one: a challenger that decides, or a shadow that is only logged.")
    share = files.share if files.challenger else 0.0
    if not 0 <= share <= 1:
        raise ContractError(f"--share {share} is no share", "Give a number between 0 and 1, such as 0.1.")
    seconds = SecondModels.load(files.second, vectors, threads)

    def opened(path: Path | None) -> Scorer | None:
        if path is None:
            return None
        scorer = load_scorer(
            path,
            cache=vectors,
            policy=files.policy,
            seconds=seconds.scorers,
            reasons=files.reasons,
            threads=threads,
        )
        scorer.encoder.open_now()  # the first request does not wait for torch
        scorer.prepare()
        scorer.prepare_to_explain()
        warm_up(scorer)
        return scorer

    champion, challenger, shadow = opened(files.model), opened(files.challenger), opened(files.shadow)
    assert champion is not None
    for scorer in seconds.scorers.values():
        scorer.encoder.open_now()
        scorer.prepare()
    for other in (challenger, shadow):
        if other is not None:
            check_pair(champion, other)
    experiment = files.experiment or (f"{champion.model_id}:{challenger.model_id}" if challenger else "")
    return Models(champion, challenger, shadow, Routing(experiment, share), seconds.scorers)


def warm_up(scorer: Scorer) -> None:
    """Score an application of which nothing is known, so that what loads at its first use is loaded."""
    columns = {
        field.name: np.array([np.nan])
        if field.is_numeric
        else np.array(["NaT"], dtype="datetime64[s]")
        if field.type is FieldType.DATE
        else np.array([FIRST_WORDS if field.role is Role.NARRATIVE else ""], dtype=object)
        for field in read_fields(scorer.schema)
    }
    frame = typed_frame(columns, np.ones(1, dtype=np.bool_))
    scorer.answer(with_facts(Applications(scorer.schema, frame, np.ones(1, dtype=np.int64))))


def check_pair(champion: Scorer, other: Scorer) -> None:
    """Raise ContractError for two models that cannot share requests."""
    if champion.model_id == other.model_id:
        raise ContractError("both bundles hold the same model", "Name another --challenger or --shadow.")
    ids = [scorer.schema.fields_of(Role.ID)[0].name for scorer in (champion, other)]
    if ids[0] != ids[1]:
        what = f"the id is {ids[0]!r} in one contract and {ids[1]!r} in the other"
        raise ContractError(what, "Serve models whose contracts name one id.")
    sources = [{source.name for source in scorer.schema.sources} for scorer in (champion, other)]
    if sources[0] != sources[1]:
        raise ContractError("the models' contracts have different sources", "Serve models with the same sources.")


def check_reach(address: Address, with_keys: bool, no_keys: bool) -> None:
    """Raise ContractError for a service that others could use without a key, unless that is asked for."""
    if with_keys and no_keys:
        raise ContractError("--keys and --no-keys contradict each other", "Leave one of them out.")
    if not (address.is_loopback or with_keys or no_keys):
        what = f"anybody who reaches {address.host} could use the service"
        remedy = "Give --keys, made by `creditfusion serve new-key`; or --no-keys behind a proxy that checks callers."
        raise ContractError(what, remedy)


def served_hosts(address: Address, with_keys: bool) -> frozenset[str] | None:
    """Names that Host may have: on loopback without keys only its own, so that no page in a browser reaches the service
    by a name that somebody points there.
    """
    if with_keys or not address.is_loopback:
        return None
    return LOOPBACK_NAMES | {address.host}


def listen(address: Address) -> socket.socket:
    """A socket that listens; raises RunError where it cannot."""
    opened: socket.socket | None = None
    try:
        family, _, _, _, place = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)[0]
        opened = socket.socket(family, socket.SOCK_STREAM)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind(place)
        opened.listen(BACKLOG)
    except OSError as error:
        if opened is not None:
            opened.close()
        what = f"{address.host}, port {address.port} cannot be listened on: {error.strerror}"
        raise RunError(what, "Choose another --host or --port; --port 0 takes a free one.") from error
    return opened


def url_of(opened: socket.socket) -> str:
    """Where a listening socket is asked."""
    host, port = opened.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def serve(front: Front, service: Service, opened: socket.socket, seconds: float) -> Mapping[str, object]:
    """Serve until SIGINT or SIGTERM, then finish what was accepted, for ``seconds`` at most; what was done."""
    config = uvicorn.Config(
        front,
        log_config=None,
        access_log=False,
        lifespan="on",
        ws="none",
        http=bounded_connections(seconds),
        proxy_headers=False,
        server_header=False,
        limit_concurrency=CONNECTIONS,
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=int(seconds) + 1,
    )
    with signals_ignored():
        uvicorn.Server(config).run(sockets=[opened])
    return counts(front.metrics.rows, front.metrics.requests, service)


def counts(rows: Mapping[str, int], requests: Mapping[tuple[str, int], int], service: Service) -> Mapping[str, object]:
    """What a service did, for its summary."""
    by_status: dict[str, int] = {}
    for (_, status), count in sorted(requests.items(), key=lambda item: item[0][1]):
        by_status[str(status)] = by_status.get(str(status), 0) + count
    return {"requests": by_status, "applications": dict(rows), "shadow_failures": service.shadow_failures}


@contextmanager
def signals_ignored() -> Iterator[None]:
    """Signals that end the server, which it raises once more when it has ended, do nothing more."""
    both: Sequence[signal.Signals] = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(one, lambda _number, _frame: None) for one in both]
    try:
        yield
    finally:
        for one, handler in zip(both, before, strict=True):
            signal.signal(one, handler)


def start_summary(models: Models, url: str, log: str | None, run: Run) -> dict[str, object]:
    """What is served where."""
    found: dict[str, object] = {"url": url, "model": models.champion.model_id}
    if models.challenger:
        found |= {"challenger": models.challenger.model_id, "share": models.routing.share}
        found |= {"experiment": models.routing.experiment}
    if models.shadow:
        found |= {"shadow": models.shadow.model_id}
    policy = models.champion.lenders_policy
    found |= {"policy": policy.digest[:12] if policy else "the model's own cut-off"}
    found |= {"decision_log": shown_log(log), "seconds_to_start": round(run.clock.total, 3)}
    return found


def shown_log(log: str | None) -> str:
    """The decision log without a password."""
    from features.sources.locations import masked

    return "none" if log is None else masked(log)
