"""How much one caller may ask for: bytes, rows, characters, rows a second, seconds."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from data_schemas.errors import ContractError

CALLERS = 10_000  # whose rate is remembered; the one that was silent longest is forgotten first


@dataclass(frozen=True)
class Limits:
    """The limits of a request.

    Attributes:
        body: Bytes.
        rows: Applications.
        text: Characters of a cell.
        rate: Applications a second by key, or by address where there are no keys; 0: any number.
        seconds: From the first byte to the answer.
    """

    body: int = 2**20
    rows: int = 100
    text: int = 20_000
    rate: float = 200.0
    seconds: float = 30.0


class TooLargeError(Exception):
    """A body has more bytes than it may have."""


async def read_body(chunks: AsyncIterator[bytes], most: int) -> bytes:
    """A body; raises TooLargeError as soon as it has more than ``most`` bytes, of which no more are then kept."""
    found = bytearray()
    async for chunk in chunks:
        if len(found) + len(chunk) > most:
            raise TooLargeError
        found += chunk
    return bytes(found)


@dataclass(eq=False)
class RateLimiter:
    """A bucket of tokens for each caller: ``rate`` a second flow in, and ``burst`` at most lie in it.

    Attributes:
        rate: Tokens a second; 0: no limit.
        burst: Most tokens at once.
        clock: Seconds.
    """

    rate: float
    burst: float
    clock: Callable[[], float] = time.monotonic
    _buckets: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)

    def take(self, caller: str, tokens: float) -> float:
        """Take tokens; 0, or the seconds to wait where there are too few and none is taken."""
        if not self.rate:
            return 0.0
        now = self.clock()
        left, since = self._buckets.pop(caller, (self.burst, now))
        left = min(self.burst, left + (now - since) * self.rate)
        wanted = min(tokens, self.burst)
        enough = left >= wanted
        self._buckets[caller] = (left - wanted if enough else left, now)
        if len(self._buckets) > CALLERS:
            self._buckets.popitem(last=False)
        return 0.0 if enough else (wanted - left) / self.rate


def retry_after(seconds: float) -> str:
    """Whole seconds for a Retry-After header."""
    return str(max(1, math.ceil(seconds)))


def check_limits(limits: Limits) -> None:
    """Raise ContractError for limits that would let nothing through."""
    if limits.rate < 0 or not math.isfinite(limits.rate):
        raise ContractError(f"--rate {limits.rate} is no rate", "Give applications a second, or 0 for any number.")
