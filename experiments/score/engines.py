"""The engines that score can run on."""

from __future__ import annotations

from enum import StrEnum


class Engine(StrEnum):
    """What answers: this process, or Ray workers on this machine or a cluster."""

    LOCAL = "local"
    RAY = "ray"
