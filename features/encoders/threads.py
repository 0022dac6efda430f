"""Worker threads that each compute alone, so that sums have one order whatever the number of threads.

A kernel that is split between threads adds up its parts in an order that follows their number, and rounds accordingly.
Work is therefore cut into pieces by nothing but the data, and every piece is computed by one thread.

Importing this does not import torch, which takes seconds and which much work does without.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

_setting_threads = threading.Lock()
_for_torch: list[int] = []
"""How many threads torch is to use once it is imported; empty where that is its own choice, or is done."""


def use_threads(threads: int) -> None:
    """Have torch use so many processor threads, now or once it is imported; 0: as many as it takes by itself."""
    if threads:
        _for_torch[:] = [threads]
        if "torch" in sys.modules:
            set_torch_threads()


def set_torch_threads() -> None:
    """Give torch the threads that ``use_threads`` was asked for before torch was imported; whoever imports it calls."""
    import torch

    if _for_torch:
        torch.set_num_threads(_for_torch.pop())


def n_threads() -> int:
    """Processor threads that work may take: as many as torch does."""
    if "torch" in sys.modules:
        import torch

        set_torch_threads()
        return torch.get_num_threads()
    if _for_torch:
        return _for_torch[0]
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return int(asked) if asked.isdecimal() and int(asked) else os.cpu_count() or 1


@contextmanager
def lone_workers(device: torch.device) -> Iterator[ThreadPoolExecutor]:
    """As many workers as torch may use threads, each computing alone; one for a CUDA device.

    Threads that each take their own piece of work never wait for each other, which products split between threads do
    at every step, badly so on a busy machine. Several threads, and workers too, may have workers at the same time; a
    thread that is begun while another's workers are begun may get a single one, which costs time and no digit.

    An error or Ctrl-C inside waits for the pieces that are being computed, and drops those that are not begun.
    """
    n_workers = n_threads() if device.type == "cpu" else 1
    with ThreadPoolExecutor(n_workers, initializer=_compute_alone) as pool:
        try:
            yield pool
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _compute_alone() -> None:
    """Hold torch to one thread in this thread, and nowhere else.

    What one thread sets, torch gives to all threads begun later; so yet another thread sets that back.
    """
    import torch

    with _setting_threads:
        others = torch.get_num_threads()
        torch.set_num_threads(1)
        putting_back = threading.Thread(target=torch.set_num_threads, args=(others,))
        putting_back.start()
        putting_back.join()
