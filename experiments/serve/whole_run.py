"""A run of serve: check what is asked for, load models, open the port, serve, sum up."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from experiments.serve.app import AppSettings, make_app
from experiments.serve.batching import BatchLimits
from experiments.serve.decision_log import POSTGRES, open_log
from experiments.serve.front import to_nowhere, to_stderr
from experiments.serve.job import (
    Address,
    ModelFiles,
    check_reach,
    listen,
    load_models,
    serve,
    served_hosts,
    shown_log,
    start_summary,
    url_of,
)
from experiments.serve.keys import read_keys
from experiments.serve.limits import Limits, check_limits
from experiments.serve.service import Service
from experiments.session.run import Run
from features.encoders.threads import use_threads
from fusion.text_encoder import VectorCache


@dataclass(frozen=True)
class ServeRequest:
    """What a run of serve is asked for.

    Attributes:
        files: The bundles, and what decides by them.
        log: Where decisions are kept; None: nowhere.
        address: Where it listens.
        keys: File of hashed keys; None: everybody may ask.
        no_keys: Whether other machines may ask without.
        limits: Of a request.
        batches: How requests are put together.
        access_log: Whether stderr gets a line per request.
        cache: Folder of narratives' vectors; None: none are kept.
        threads: Processor threads; 0: as many as there are.
    """

    files: ModelFiles
    log: str | None
    address: Address
    keys: Path | None
    no_keys: bool
    limits: Limits
    batches: BatchLimits
    access_log: bool
    cache: Path | None
    threads: int

    @property
    def settings(self) -> AppSettings:
        """What the service allows; raises ContractError for keys or limits that make no sense."""
        check_reach(self.address, self.keys is not None, self.no_keys)
        check_limits(self.limits)
        known = read_keys(self.keys) if self.keys else None
        hosts = served_hosts(self.address, known is not None)
        return AppSettings(self.limits, self.batches, known, hosts, to_stderr if self.access_log else to_nowhere)

    @property
    def logged(self) -> dict[str, object]:
        """The arguments that the run log keeps."""
        files = self.files
        found: dict[str, object] = {"model": files.model, "challenger": files.challenger, "shadow": files.shadow}
        found |= {"share": files.share, "policy": files.policy, "second": list(files.second) or None}
        return found | {"host": self.address.host, "port": self.address.port, "log": shown_log(self.log)}


def serve_as_requested(request: ServeRequest, json_output: bool) -> None:
    """Serve until SIGINT or SIGTERM; prints where, and in the end what was done.

    Raises ContractError for options or bundles that do not go together, RunError for a port or log that cannot be had.
    """
    settings, log = request.settings, request.log
    beside = Path(log) if log and not log.startswith(POSTGRES) else None
    with Run.start("serve", beside, request.logged, json_output) as run:
        with run.timed("load"):
            use_threads(request.threads)
            vectors = VectorCache(request.cache, tell=run.note) if request.cache else None
            models = load_models(request.files, vectors, request.threads)
        with closing(open_log(log)) as decisions, listen(request.address) as opened:
            service = Service(models, decisions)
            front = make_app(service, settings)
            started = start_summary(models, url_of(opened), log, run)
            for name, value in started.items():
                run.show(f"{name.replace('_', ' ')}: {value}")
            if json_output:
                print(json.dumps({"verb": "serve", "status": "serving", **started}), flush=True)
            with run.timed("serve"):
                done = serve(front, service, opened, request.limits.seconds)
        run.finish(done)
