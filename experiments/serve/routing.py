"""Which model decides an application: champion or challenger, by a hash of its id, the same after every restart."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

Route = Literal["champion", "challenger", "shadow"]
"""``shadow``: scored, but only logged."""


@dataclass(frozen=True)
class Routing:
    """How applications are shared out.

    Attributes:
        experiment: Its name, which salts the hash: another experiment draws other applications.
        share: Of the applications that the challenger decides, from 0 to 1.
    """

    experiment: str = ""
    share: float = 0.0

    def route(self, name: str) -> Route:
        """The model for the application of this id, or whatever else names it."""
        return "challenger" if draw(self.experiment, name) < self.share else "champion"


def draw(experiment: str, name: str) -> float:
    """A number from 0 to below 1, even over names: the first 53 bits of SHA-256 of experiment and name."""
    digest = hashlib.sha256(f"{len(experiment)}:{experiment}{name}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") // 2**11 / 2**53
