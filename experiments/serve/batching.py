"""Micro-batches: requests that arrive close together are answered by one call of the scorer.

A queue of bounded length feeds one worker thread. The worker takes what waits, up to ``most`` rows; only a worker that
has been idle waits ``window`` seconds for company. What comes while it works waits for the next batch, so batches grow
with the load by themselves. A full queue refuses (``QueueFullError``).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar


class Sized(Protocol):
    """What has a number of rows."""

    def __len__(self) -> int:
        """Rows."""
        ...


Asked = TypeVar("Asked", bound=Sized)
Given = TypeVar("Given")


class QueueFullError(Exception):
    """Too many rows wait already."""


@dataclass(frozen=True)
class BatchLimits:
    """How requests are put together.

    Attributes:
        window: Seconds that an idle worker waits for company.
        most: Rows of a batch, unless one request alone has more.
        waiting: Rows that may wait.
    """

    window: float = 0.002
    most: int = 64
    waiting: int = 1024


@dataclass(frozen=True)
class _Waiting(Generic[Asked, Given]):
    asked: Asked
    answer: asyncio.Future[Given]


@dataclass(eq=False)
class Batcher(Generic[Asked, Given]):
    """Answers requests in batches, in the order in which they came.

    Attributes:
        work: Answers a batch, one answer each in order; called in a thread of the batcher's own, never twice at once.
        limits: How requests are put together.
        after: Called with each batch in the same thread, once its answers are on their way.
        n_batches: Batches so far.
        n_rows: Their rows.
    """

    work: Callable[[Sequence[Asked]], Sequence[Given]]
    limits: BatchLimits = BatchLimits()
    after: Callable[[Sequence[Asked]], None] | None = None
    n_batches: int = 0
    n_rows: int = 0
    _queue: deque[_Waiting[Asked, Given]] = field(default_factory=deque)
    _arrived: asyncio.Event = field(default_factory=asyncio.Event)
    _closing: bool = False
    _waiting: int = 0

    @property
    def waiting(self) -> int:
        """Rows that wait."""
        return self._waiting

    async def submit(self, asked: Asked) -> Given:
        """The answer to a request; raises QueueFullError at once where too much waits, and whatever ``work`` raises."""
        if self._closing or (self._waiting and self._waiting + len(asked) > self.limits.waiting):
            raise QueueFullError("too many rows wait")
        one: _Waiting[Asked, Given] = _Waiting(asked, asyncio.get_running_loop().create_future())
        self._queue.append(one)
        self._waiting += len(asked)
        self._arrived.set()
        return await one.answer

    async def run(self) -> None:
        """Answer until ``close`` is called and nothing waits any more."""
        with ThreadPoolExecutor(1, thread_name_prefix="scoring") as pool:
            while await self._company():
                batch = self._next()
                if batch:
                    await self._answer(batch, pool)

    def close(self) -> None:
        """Take no more; what waits is answered."""
        self._closing = True
        self._arrived.set()

    async def _company(self) -> bool:
        """Wait for a request and its company; False when there will be none."""
        if self._queue:
            return True
        self._arrived.clear()
        if self._closing:
            return False
        await self._arrived.wait()
        if not self._closing and self._waiting < self.limits.most:
            await asyncio.sleep(self.limits.window)
        return True

    def _next(self) -> list[_Waiting[Asked, Given]]:
        """The next requests, without those that nobody waits for any more."""
        batch: list[_Waiting[Asked, Given]] = []
        rows = 0
        while self._queue and (not batch or rows + len(self._queue[0].asked) <= self.limits.most):
            one = self._queue.popleft()
            self._waiting -= len(one.asked)
            if not one.answer.done():
                batch.append(one)
                rows += len(one.asked)
        return batch

    async def _answer(self, batch: Sequence[_Waiting[Asked, Given]], pool: ThreadPoolExecutor) -> None:
        loop, asked = asyncio.get_running_loop(), [one.asked for one in batch]
        self.n_batches += 1
        self.n_rows += sum(map(len, asked))
        try:
            answers = await loop.run_in_executor(pool, self.work, asked)
        except Exception as error:
            if len(batch) > 1:  # one of them is at fault, the others are not
                for one in batch:
                    await self._answer([one], pool)
            elif not batch[0].answer.done():
                batch[0].answer.set_exception(error)
            return
        for one, answer in zip(batch, answers, strict=True):
            if not one.answer.done():
                one.answer.set_result(answer)
        if self.after is not None:
            await loop.run_in_executor(pool, self.after, asked)
