"""Steps side by side: order, bounds, and errors that come out once and at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from functools import partial

import pytest

from experiments.score.side_by_side import AbandonedError, finished_behind, made_ahead, until

PATIENCE = 60.0  # seconds until a step that should have begun counts as lost


def test_items_come_in_order_and_at_most_one_is_made_ahead() -> None:
    made: list[int] = []

    def items() -> Iterator[int]:
        for number in range(1, 6):
            made.append(number)
            yield number

    with made_ahead(items()) as ahead:
        for number in ahead:
            assert number <= len(made) <= number + 1
    assert made == [1, 2, 3, 4, 5]


def test_the_next_item_is_made_while_one_is_worked_on() -> None:
    begun = threading.Event()

    def items() -> Iterator[str]:
        yield "first"
        begun.set()
        yield "second"

    with made_ahead(items()) as ahead:
        assert next(ahead) == "first"
        assert begun.wait(PATIENCE)


def test_an_error_of_making_an_item_comes_after_the_items_before_it() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise OSError("gone")

    with made_ahead(items()) as ahead:
        assert next(ahead) == 1
        with pytest.raises(OSError, match="gone"):
            next(ahead)


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_an_error_of_the_caller_ends_the_item_that_is_being_made(error: type[BaseException]) -> None:
    left, begun, ended = threading.Event(), threading.Event(), threading.Event()
    tell = until(left, lambda _count: None)

    def items() -> Iterator[str]:
        yield "first"
        try:
            for count in range(6000):
                tell(count)
                begun.set()
                time.sleep(PATIENCE / 6000)
        except AbandonedError:
            ended.set()
            raise

    def take_one_and_stop() -> None:
        with made_ahead(items(), left) as ahead:
            assert next(ahead) == "first"
            assert begun.wait(PATIENCE)
            raise error("stop")

    with pytest.raises(error, match="stop"):
        take_one_and_stop()
    assert ended.is_set()


def test_work_is_finished_in_order_and_before_the_end() -> None:
    done: list[int] = []
    with finished_behind() as finish:
        for number in range(20):
            finish(partial(done.append, number))
    assert done == list(range(20))


def test_after_an_error_nothing_more_is_finished() -> None:
    done: list[int] = []

    def fail() -> None:
        raise OSError("full")

    def finish_both() -> None:
        with finished_behind() as finish:
            finish(fail)
            finish(partial(done.append, 1))

    with pytest.raises(OSError, match="full"):
        finish_both()
    assert not done


def test_an_error_of_the_last_work_comes_out_on_leaving() -> None:
    def fail() -> None:
        raise OSError("full")

    with pytest.raises(OSError, match="full"), finished_behind() as finish:
        finish(fail)


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_an_error_of_the_caller_waits_for_what_is_begun_and_stays_the_error(error: type[BaseException]) -> None:
    done: list[int] = []

    def begin_and_stop() -> None:
        with finished_behind() as finish:
            finish(partial(done.append, 1))
            raise error("stop")

    with pytest.raises(error, match="stop"):
        begin_and_stop()
    assert done == [1]
