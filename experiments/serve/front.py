"""What stands before every endpoint: host and key are checked, errors are stripped of what they quote, requests are
counted and logged without a word of what they hold.
"""

from __future__ import annotations

import json
import re
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from experiments.serve.answers import Problem
from experiments.serve.keys import Keys
from experiments.serve.metrics import Metrics

OPEN = frozenset({"/health", "/health/live", "/health/ready"})
"""Endpoints that need no key."""
ENDPOINTS = OPEN | {"/score", "/explain", "/model", "/metrics", "/openapi.json"}
PROBLEM = "application/problem+json"
CALLER, ROWS = "creditfusion.caller", "creditfusion.rows"
"""Entries of a request's scope: who asks, and for how many applications."""

Event = Mapping[str, object]
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s:\[\]/@]+)(?::[0-9]{1,5})?")


def problem(
    status: int, error: str, detail: str, remedy: str, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """An answer that says why there is no other (RFC 9457)."""
    body = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail, error=error, remedy=remedy)
    return JSONResponse(body.model_dump(), status, headers, media_type=PROBLEM)


def fault() -> JSONResponse:
    """The answer where we are at fault."""
    return problem(500, "Fault", "the service could not answer", "Its log says where. Try again, or report it.")


@dataclass(frozen=True)
class Front:
    """The application's outermost layer.

    Attributes:
        inside: All endpoints.
        keys: Who may ask; None: everybody.
        hosts: Names that a request's Host may have; None: any.
        metrics: What is counted.
        log: Gets an event for each request.
    """

    inside: ASGIApp
    keys: Keys | None
    hosts: frozenset[str] | None
    metrics: Metrics
    log: Callable[[Event], None]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope["type"] != "http":
            await self.inside(scope, receive, send)
            return
        begin, status = time.perf_counter(), 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            refused = self._refused(scope)
            await (refused or self.inside)(scope, receive, sending)
        except Exception as error:
            self.log({"event": "fault", "error": type(error).__name__, "where": places(error)})
            if not status:
                await fault()(scope, receive, sending)
        finally:
            self._count(scope, status, time.perf_counter() - begin)

    def _refused(self, scope: Scope) -> JSONResponse | None:
        """The answer to a request that may not go on."""
        headers = Headers(scope=scope)
        if self.hosts is not None and host_name(headers.get("host", "")) not in self.hosts:
            return problem(421, "WrongHost", "this host name is not served", "Ask by the address that serve prints.")
        caller = "anonymous"
        if self.keys is not None:
            holder = self.keys.holder(_key(headers))
            if holder is None and scope["path"] not in OPEN:
                remedy = "Send Authorization: Bearer KEY, with a key that `creditfusion serve new-key` made."
                challenge = {"www-authenticate": "Bearer"}
                return problem(401, "NoKey", "the request has no valid key", remedy, challenge)
            caller = holder or caller
        elif scope.get("client"):
            caller = str(scope["client"][0])
        scope[CALLER] = caller
        return None

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        endpoint = scope["path"] if scope["path"] in ENDPOINTS else "other"
        self.metrics.requests[endpoint, status] += 1
        if endpoint == "/score" and status == 200:
            self.metrics.took(seconds)
        event = {"event": "request", "method": _method(scope), "endpoint": endpoint, "status": status}
        event |= {"ms": round(seconds * 1e3, 3), "rows": scope.get(ROWS, 0), "caller": scope.get(CALLER, "")}
        self.log(event)


def places(error: BaseException) -> list[str]:
    """Where an exception came from, without its message, which may quote a cell."""
    frames = traceback.extract_tb(error.__traceback__)
    return [f"{frame.filename}:{frame.lineno} in {frame.name}" for frame in frames]


def to_stderr(event: Event) -> None:
    """Write an event as one line of JSON on stderr."""
    line = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), **event}
    print(json.dumps(line), file=sys.stderr, flush=True)


def to_nowhere(_event: Event) -> None:
    """Write nothing."""


def host_name(host: str) -> str:
    """The name in a Host header, in lower case and without its port; "" for what is none."""
    found = _HOST.fullmatch(host)
    return found[1].lower() if found else ""


def _key(headers: Headers) -> str:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "")


def _method(scope: Scope) -> str:
    """The method, if it is one that HTTP knows: others may hold anything."""
    known = ("GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH")
    return scope["method"] if scope["method"] in known else "other"
