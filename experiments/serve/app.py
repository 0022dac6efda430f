"""The endpoints of the service, as a FastAPI application.

Bodies are read by ourselves, not by FastAPI: with a limit while they stream, and with the data contract's own rules,
which give every broken row its column, rule and remedy. The models of ``experiments.serve.answers`` describe them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, PlainTextResponse, Response

from data_schemas.errors import ContractError, RunError
from experiments.serve.answers import (
    ExplainAnswer,
    Explained,
    Health,
    ModelAnswer,
    Rejected,
    ScoreAnswer,
    Scored,
)
from experiments.serve.batching import Batcher, BatchLimits, QueueFullError
from experiments.serve.front import CALLER, PROBLEM, ROWS, Event, Front, fault, problem, to_nowhere
from experiments.serve.keys import Keys
from experiments.serve.limits import Limits, RateLimiter, TooLargeError, read_body, retry_after
from experiments.serve.metrics import Metrics
from experiments.serve.openapi import openapi
from experiments.serve.orders import order_of
from experiments.serve.records import Fault, RowReader, parse_json
from experiments.serve.scoring import Answers, Order
from experiments.serve.service import Service

REFUSALS = {
    400: "no JSON, or not of the form that is asked for",
    401: "no valid key",
    408: "the body took too long",
    413: "too many bytes or applications",
    415: "no application/json",
    422: "no application keeps the data contract",
    429: "too many applications a second",
    503: "too much waits, or decisions cannot be logged",
}
PROBLEM_SCHEMA = {"$ref": "#/components/schemas/Problem"}
BUSY = 1.0  # seconds after which a refused caller may try again


@dataclass(frozen=True)
class AppSettings:
    """What the service allows.

    Attributes:
        limits: Of a request.
        batches: How requests are put together.
        keys: Who may ask; None: everybody.
        hosts: Names that a request's Host may have; None: any.
        log: Gets an event for each request.
    """

    limits: Limits = field(default_factory=Limits)
    batches: BatchLimits = field(default_factory=BatchLimits)
    keys: Keys | None = None
    hosts: frozenset[str] | None = None
    log: Callable[[Event], None] = to_nowhere


@dataclass(eq=False)
class Endpoints:
    """The handlers, and what they share.

    Attributes:
        service: What answers.
        settings: What is allowed.
        reader: Makes applications of JSON.
        batcher: Puts requests together.
        metrics: What is counted.
        rates: Of callers.
        stopping: Whether the service is about to end.
    """

    service: Service
    settings: AppSettings
    reader: RowReader
    batcher: Batcher[Order, Answers]
    rates: RateLimiter
    metrics: Metrics = field(default_factory=Metrics)
    stopping: bool = False

    async def score(self, request: Request) -> Response:
        """PD, points, decision and reasons of one application or a list of them."""
        return await self._answer(request, explain=False)

    async def explain(self, request: Request) -> Response:
        """The same with the points of every column, narrative and sentence."""
        return await self._answer(request, explain=True)

    async def live(self) -> Health:
        """Whether the process answers at all."""
        return self._health()

    async def ready(self) -> JSONResponse:
        """Whether it takes requests: 200 or 503."""
        health = self._health()
        return JSONResponse(health.model_dump(), 200 if health.ready else 503)

    async def model(self) -> ModelAnswer:
        """The facts of the models' cards."""
        return self.service.facts()

    async def counters(self) -> PlainTextResponse:
        """Prometheus text."""
        batcher = self.batcher
        gauges = {"waiting_rows": batcher.waiting, "batches": batcher.n_batches, "batched_rows": batcher.n_rows}
        gauges["shadow_failures"] = self.service.shadow_failures
        return PlainTextResponse(self.metrics.text(gauges), media_type="text/plain; version=0.0.4; charset=utf-8")

    def _health(self) -> Health:
        status = "stopping" if self.stopping else "decisions cannot be logged" if self.service.trouble else "ok"
        return Health(status=status, ready=status == "ok", waiting=self.batcher.waiting)

    async def _answer(self, request: Request, explain: bool) -> Response:
        limits, received = self.settings.limits, time.perf_counter()
        refused = self._refused(request)
        if refused is not None:
            return refused
        order: Order | None = None
        try:
            async with asyncio.timeout(limits.seconds):
                body = await read_body(request.stream(), limits.body)
                order = order_of(parse_json(body), self.reader, self.service.models.champion.schema, explain, received)
                too_many = self._too_many(request, order)
                if too_many is not None:
                    return too_many
                answers = await self.batcher.submit(order)
        except TooLargeError:
            return self._too_large()
        except ContractError as error:
            return problem(400, "ContractError", error.message, error.remedy)
        except TimeoutError:
            if order is None:
                return problem(408, "Timeout", "the body took too long", "Send it faster, or in smaller requests.")
            return _busy("the answer took too long")
        except QueueFullError:
            return _busy("too many applications wait")
        except RunError:
            return _busy("decisions cannot be logged" if self.service.trouble else "the scores cannot be trusted")
        except ClientDisconnect:
            return Response(status_code=400)  # to nobody
        return self._response(order, answers)

    def _refused(self, request: Request) -> Response | None:
        """The answer to a request of which no body is read."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            return problem(415, "ContentType", "the body is not application/json", "Send JSON with that content type.")
        length = request.headers.get("content-length", "")
        if length.isdecimal() and (len(length) > 15 or int(length) > self.settings.limits.body):
            return self._too_large()
        wait = self.rates.take(request.scope[CALLER], 1)
        return _too_fast(wait) if wait else None

    def _too_large(self) -> Response:
        most = f"{self.settings.limits.body:,} bytes"
        return problem(413, "TooLarge", f"the body has more than {most}", "Send fewer applications at once.")

    def _too_many(self, request: Request, order: Order) -> Response | None:
        """The answer to a request for more applications than one may ask for."""
        request.scope[ROWS] = len(order)
        most = self.settings.limits.rows
        if len(order) > most:
            what = f"the request has {len(order):,} applications"
            return problem(413, "TooMany", what, f"Send at most {most:,} at once; `creditfusion score` takes files.")
        wait = self.rates.take(request.scope[CALLER], len(order) - 1)
        return _too_fast(wait) if wait else None

    def _response(self, order: Order, answers: Answers) -> Response:
        if isinstance(answers, ContractError):
            return problem(422, "ContractError", answers.message, answers.remedy)
        faults = [row for row in order.rows if isinstance(row, Fault)]
        rejected = [Rejected(row=one.position, column=one.column, rule=one.rule, message=one.message) for one in faults]
        rejected += [one.result for one in answers if isinstance(one.result, Rejected)]
        rejected.sort(key=lambda one: one.row)
        self.metrics.rows["rejected"] += len(rejected)
        for one in answers:
            self.metrics.rows[f"scored by {one.route}"] += one.scored is not None
        if order.explain:
            explained = [one.result for one in answers if isinstance(one.result, Explained)]
            found: ScoreAnswer | ExplainAnswer = ExplainAnswer(explained=explained, rejected=rejected)
            n_answered = len(explained)
        else:
            scored = [one.result for one in answers if isinstance(one.result, Scored)]
            found, n_answered = ScoreAnswer(scored=scored, rejected=rejected), len(scored)
        return JSONResponse(found.model_dump(), 200 if n_answered else 422)


def make_app(service: Service, settings: AppSettings) -> Front:
    """The application; its lifespan answers what was accepted before it ends.

    Raises ContractError where the models' contracts mean other cells by one column.
    """
    limits, models = settings.limits, service.models
    after = service.shadow if models.shadow is not None else None
    endpoints = Endpoints(
        service,
        settings,
        RowReader.open([one.schema for one in models.every], limits.text),
        Batcher(service.decide, settings.batches, after),
        RateLimiter(limits.rate, max(limits.rate, limits.rows)),
    )

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        working = asyncio.create_task(endpoints.batcher.run())
        yield
        endpoints.stopping = True
        endpoints.batcher.close()
        await working

    app = FastAPI(title="creditfusion", openapi_url=None, lifespan=lifespan)
    refusals: dict[int | str, dict[str, object]] = {
        status: {"description": what.capitalize() + ".", "content": {PROBLEM: {"schema": PROBLEM_SCHEMA}}}
        for status, what in REFUSALS.items()
    }
    posts = ((endpoints.score, "/score", ScoreAnswer), (endpoints.explain, "/explain", ExplainAnswer))
    for handler, path, answer in posts:
        own = refusals | {422: {"model": answer, "description": "No application keeps the data contract."}}
        app.add_api_route(path, handler, methods=["POST"], response_model=answer, responses=own)
    app.add_api_route("/health", endpoints.ready, response_model=Health)
    app.add_api_route("/health/ready", endpoints.ready, response_model=Health)
    app.add_api_route("/health/live", endpoints.live, response_model=Health)
    app.add_api_route("/model", endpoints.model, response_model=ModelAnswer)
    app.add_api_route("/metrics", endpoints.counters, response_class=PlainTextResponse)
    document = openapi(app, endpoints.reader, models.champion.schema, limits, settings.keys is not None)

    async def described() -> JSONResponse:
        return JSONResponse(document)

    app.add_api_route("/openapi.json", described, include_in_schema=False)
    app.add_exception_handler(HTTPException, _no_such_endpoint)
    app.add_exception_handler(Exception, _fault)
    return Front(app, settings.keys, settings.hosts, endpoints.metrics, settings.log)


async def _no_such_endpoint(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    message = "the endpoint does not take this method" if status == 405 else "there is no such endpoint"
    return problem(status, "NoEndpoint", message, "GET /openapi.json describes all endpoints.")


async def _fault(_request: Request, _error: Exception) -> Response:
    """The answer where we are at fault; ``Front`` logs where, without the exception's message."""
    return fault()


def _busy(what: str) -> Response:
    return problem(503, "Busy", what, "Try again later.", {"retry-after": retry_after(BUSY)})


def _too_fast(wait: float) -> Response:
    remedy = "Wait as long as Retry-After says."
    return problem(429, "TooFast", "too many applications a second", remedy, {"retry-after": retry_after(wait)})
