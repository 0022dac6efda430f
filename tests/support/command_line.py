"""The command as its users type it, run in the process of the test."""

from __future__ import annotations

import sys

import pytest
import torch

from experiments.cli import app, guarded


def creditfusion(*arguments: object) -> int:
    """Run ``creditfusion`` with these arguments; its exit code. The number of torch's threads stays as it was."""
    n_threads = torch.get_num_threads()
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "argv", ["creditfusion", *map(str, arguments)])
            return guarded(app)
    finally:
        torch.set_num_threads(n_threads)
