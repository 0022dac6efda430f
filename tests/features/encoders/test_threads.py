from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Barrier, Event

import pytest
import torch

from features.encoders.threads import lone_workers

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def threads_of_workers() -> list[int]:
    """How many threads torch has in each of all the workers."""
    with lone_workers(CPU) as pool:
        all_at_work = Barrier(torch.get_num_threads(), timeout=600)

        def count(_: int) -> int:
            all_at_work.wait()
            return torch.get_num_threads()

        return list(pool.map(count, range(all_at_work.parties)))


def test_as_many_workers_as_threads_and_each_computes_alone() -> None:
    assert threads_of_workers() == [1, 1, 1]


def test_other_threads_keep_their_number() -> None:
    with lone_workers(CPU) as pool, ThreadPoolExecutor(1) as begun_meanwhile:
        assert pool.submit(torch.get_num_threads).result() == 1
        assert begun_meanwhile.submit(torch.get_num_threads).result() == 3
        assert torch.get_num_threads() == 3
    assert torch.get_num_threads() == 3


def test_a_worker_may_have_a_worker() -> None:
    with lone_workers(CPU) as pool:
        assert pool.submit(threads_of_workers).result() == [1]
    assert threads_of_workers() == [1, 1, 1]


def test_several_threads_may_have_workers_at_once() -> None:
    with ThreadPoolExecutor(8) as pool:
        found = [future.result() for future in [pool.submit(threads_of_workers) for _ in range(32)]]
    assert {n for one in found for n in one} == {1}
    assert threads_of_workers() == [1, 1, 1]


def test_an_error_drops_the_pieces_that_are_not_begun() -> None:
    begun, stopped = Event(), Event()

    def work() -> None:
        begun.set()
        stopped.wait(60)

    def submit_and_stop() -> None:
        with lone_workers(CPU) as pool:
            pieces.extend(pool.submit(work) for _ in range(20))
            assert begun.wait(60)
            pieces[-1].add_done_callback(lambda _piece: stopped.set())
            raise KeyboardInterrupt("ctrl-c")

    pieces: list[Future[None]] = []
    with pytest.raises(KeyboardInterrupt, match="ctrl-c"):
        submit_and_stop()
    assert sum(not piece.cancelled() for piece in pieces) <= torch.get_num_threads()
