"""Steps of a stream that run side by side, each item's in order: made ahead, finished behind.

Each waits for the other where it is one item away, so memory holds at most three items. Errors come out in the caller's
thread, where they would without threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from typing import TypeVar

Item = TypeVar("Item")
Finish = Callable[[Callable[[], None]], None]
"""Runs a piece of work behind the caller, once the one before has ended well."""


class AbandonedError(Exception):
    """Ends the making of an item that nobody waits for any more."""


@contextmanager
def made_ahead(items: Iterator[Item], left: Event | None = None) -> Iterator[Iterator[Item]]:
    """The items in order; the next is made in another thread while the caller works on the last.

    An error of making an item comes out where the item would. Leaving sets ``left`` and waits for the item that is
    being made; what takes long looks at ``left`` and raises ``AbandonedError``, so that an error or Ctrl-C does not
    wait for it.
    """

    def each(pool: ThreadPoolExecutor) -> Iterator[Item]:
        ahead = pool.submit(next, items, None)
        while (item := ahead.result()) is not None:
            ahead = pool.submit(next, items, None)
            yield item

    with ThreadPoolExecutor(1) as pool:
        try:
            yield each(pool)
        finally:
            if left is not None:
                left.set()


def until(left: Event, tell: Callable[[int], None]) -> Callable[[int], None]:
    """``tell``, which raises ``AbandonedError`` in its place once ``left`` is set."""

    def tell_or_end(count: int) -> None:
        if left.is_set():
            raise AbandonedError
        tell(count)

    return tell_or_end


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
