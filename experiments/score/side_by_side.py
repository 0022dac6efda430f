"""Steps of a stream that run side by side, each item's in order: made ahead, finished behind.

Each waits for the other where it is one item away, so memory holds at most three items. Errors come out in the caller's
thread, where they would without threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

Item = TypeVar("Item")
Finish = Callable[[Callable[[], None]], None]
"""Runs a piece of work behind the caller, once the one before has ended well."""


@contextmanager
def made_ahead(items: Iterator[Item]) -> Iterator[Iterator[Item]]:
    """The items in order; the next is made in another thread while the caller works on the last.

    An error of making an item comes out where the item would. Leaving waits for the item that is being made.
    """

    def each(pool: ThreadPoolExecutor) -> Iterator[Item]:
        ahead = pool.submit(next, items, None)
        while (item := ahead.result()) is not None:
            ahead = pool.submit(next, items, None)
            yield item

    with ThreadPoolExecutor(1) as pool:
        yield each(pool)


@contextmanager
def finished_behind() -> Iterator[Finish]:
    """``finish(work)``: the work is done in another thread, in the order given, while the caller goes on.

    An error of one comes out of the next ``finish``, which then does nothing, or on leaving, which waits for the last.
    """
    pending: list[Future[None]] = []

    def finish(work: Callable[[], None]) -> None:
        if pending:
            pending.pop().result()
        pending.append(pool.submit(work))

    with ThreadPoolExecutor(1) as pool:
        yield finish
        if pending:
            pending.pop().result()
