"""Worker threads that each compute alone, so that sums have one order whatever the number of threads.

A kernel that is split between threads adds up its parts in an order that follows their number, and rounds accordingly.
Work is therefore cut into pieces by nothing but the data, and every piece is computed by one thread.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import torch

_setting_threads = threading.Lock()


@contextmanager
def lone_workers(device: torch.device) -> Iterator[ThreadPoolExecutor]:
    """As many workers as torch may use threads, each computing alone; one for a CUDA device.

    Threads that each take their own piece of work never wait for each other, which products split between threads do
    at every step, badly so on a busy machine. Several threads, and workers too, may have workers at the same time; a
    thread that is begun while another's workers are begun may get a single one, which costs time and no digit.
    """
    n_workers = torch.get_num_threads() if device.type == "cpu" else 1
    with ThreadPoolExecutor(n_workers, initializer=_compute_alone) as pool:
        yield pool


def _compute_alone() -> None:
    """Hold torch to one thread in this thread, and nowhere else.

    What one thread sets, torch gives to all threads begun later; so yet another thread sets that back.
    """
    with _setting_threads:
        others = torch.get_num_threads()
        torch.set_num_threads(1)
        putting_back = threading.Thread(target=torch.set_num_threads, args=(others,))
        putting_back.start()
        putting_back.join()
