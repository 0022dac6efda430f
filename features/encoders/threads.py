"""Worker threads that each compute alone."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import torch
from threadpoolctl import threadpool_limits


@contextmanager
def lone_workers(device: torch.device) -> Iterator[ThreadPoolExecutor]:
    """As many workers as torch may use threads, each computing alone; one for a CUDA device.

    Threads that each take their own piece of work never wait for each other, which products split between threads do
    at every step, badly so on a busy machine: numpy's and scipy's BLAS then spends most of its time waiting. And a
    product that is not split has the same bits for any number of threads.
    """
    if device.type != "cpu":
        with ThreadPoolExecutor(1) as pool:
            yield pool
        return
    n_threads = torch.get_num_threads()
    try:
        with (
            threadpool_limits(1, user_api="blas"),
            ThreadPoolExecutor(n_threads, initializer=torch.set_num_threads, initargs=(1,)) as pool,
        ):
            yield pool
    finally:
        torch.set_num_threads(n_threads)  # a worker's setting is also what torch gives to threads begun later
