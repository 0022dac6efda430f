from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from typing import TypeVar

import pytest

from experiments.serve.batching import Batcher, BatchLimits, QueueFullError
from experiments.serve.records import RowReader
from experiments.serve.scoring import Models, Order, answer_orders
from fusion.scorer import Scorer
from tests.support.serving import Row

Found = TypeVar("Found")
Asked = tuple[int, ...]


def running(batcher: Batcher[Asked, int], work: Callable[[], Coroutine[None, None, Found]]) -> Found:
    """What ``work`` gives while the batcher runs."""

    async def both() -> Found:
        task = asyncio.create_task(batcher.run())
        try:
            return await work()
        finally:
            batcher.close()
            await task

    return asyncio.run(both())


def test_requests_that_wait_together_are_answered_together_each_its_own() -> None:
    sizes = []

    def work(orders: Sequence[Asked]) -> list[int]:
        sizes.append(len(orders))
        return [sum(order) for order in orders]

    batcher: Batcher[Asked, int] = Batcher(work, BatchLimits(window=0.05, most=4))

    async def ask() -> list[int]:
        return await asyncio.gather(*(batcher.submit((number, 1)) for number in range(6)))

    assert running(batcher, ask) == [1, 2, 3, 4, 5, 6]
    assert sizes == [2, 2, 2]
    assert (batcher.n_batches, batcher.n_rows) == (3, 12)


def test_a_request_larger_than_a_batch_is_answered_alone() -> None:
    batcher: Batcher[Asked, int] = Batcher(lambda orders: list(map(len, orders)), BatchLimits(most=4, waiting=5))
    assert running(batcher, lambda: batcher.submit((0,) * 9)) == 9


def test_a_full_queue_refuses_at_once_and_answers_what_waits() -> None:
    begin, go_on = threading.Event(), threading.Event()

    def work(orders: Sequence[Asked]) -> list[int]:
        begin.set()
        assert go_on.wait(60)
        return list(map(len, orders))

    batcher: Batcher[Asked, int] = Batcher(work, BatchLimits(window=0, most=1, waiting=2))

    async def ask() -> list[int]:
        first = asyncio.create_task(batcher.submit((1,)))
        await asyncio.to_thread(begin.wait, 60)
        waiting = [asyncio.create_task(batcher.submit((number,))) for number in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(QueueFullError, match="too many rows wait"):
            await batcher.submit((3,))
        go_on.set()
        return list(await asyncio.gather(first, *waiting))

    assert running(batcher, ask) == [1, 1, 1]


def test_a_request_that_fails_does_not_hurt_its_company() -> None:
    def work(orders: Sequence[Asked]) -> list[int]:
        if (13,) in orders:
            raise ValueError("thirteen")
        return [order[0] for order in orders]

    batcher: Batcher[Asked, int] = Batcher(work, BatchLimits(window=0.05))

    async def ask() -> list[int | BaseException]:
        return await asyncio.gather(*(batcher.submit((n,)) for n in (1, 13, 2)), return_exceptions=True)

    first, second, third = running(batcher, ask)
    assert (first, third) == (1, 2)
    assert isinstance(second, ValueError)


def test_what_nobody_waits_for_is_not_worked_on() -> None:
    done: list[Asked] = []
    begin, go_on = threading.Event(), threading.Event()

    def work(orders: Sequence[Asked]) -> list[int]:
        done.extend(orders)
        begin.set()
        assert go_on.wait(60)
        return [0] * len(orders)

    batcher: Batcher[Asked, int] = Batcher(work, BatchLimits(window=0, most=1))

    async def ask() -> None:
        first = asyncio.create_task(batcher.submit((1,)))
        await asyncio.to_thread(begin.wait, 60)
        gone = asyncio.create_task(batcher.submit((2,)))
        await asyncio.sleep(0)
        gone.cancel()
        go_on.set()
        await first
        await batcher.submit((3,))

    running(batcher, ask)
    assert done == [(1,), (3,)]


def test_closing_answers_what_was_accepted_and_takes_no_more() -> None:
    batcher: Batcher[Asked, int] = Batcher(lambda orders: list(map(len, orders)), BatchLimits(most=1))

    async def ask() -> list[int]:
        asked = [asyncio.create_task(batcher.submit((n,))) for n in range(5)]
        await asyncio.sleep(0)
        batcher.close()
        with pytest.raises(QueueFullError, match="too many rows wait"):
            await batcher.submit((9,))
        return await asyncio.gather(*asked)

    assert running(batcher, ask) == [1] * 5


def test_a_row_has_the_same_bits_in_any_company(champion: Scorer, rows: list[Row]) -> None:
    models, reader = Models(champion), RowReader.open([champion.schema], 1000)
    unlike = [{name: cell for name, cell in row.items() if name not in ("sex", "application_id")} for row in rows]
    orders = [Order(reader.read([row])) for row in (*rows, *rows[:2], *unlike[:2], dict(rows[0], amount="?"))]
    together = answer_orders(models, orders)
    alone = [answer_orders(models, [order])[0] for order in orders]
    assert together == alone
