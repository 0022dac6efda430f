"""Connections that do not wait for ever: uvicorn bounds an idle connection, but no client that sends a byte at a time.

Whoever keeps a few hundred such connections open would keep all others out, for their number is bounded.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol


def bounded_connections(seconds: float) -> type[H11Protocol]:
    """The protocol of a connection that is closed where it brings no whole head of a request in ``seconds``.

    The body of a request that is answered is bounded by whoever reads it. What a client still sends of one that was
    refused has ``seconds`` too.
    """

    class BoundedConnection(H11Protocol):
        """uvicorn's protocol, a class that it is given and makes one of per connection; hence a subclass."""

        waiting: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self.waiting = self.loop.call_later(seconds, self._close)

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            is_answering = self.cycle is not None and not self.cycle.response_complete
            if is_answering:
                self._stop_waiting()
            elif self.waiting is None:
                self.waiting = self.loop.call_later(seconds, self._close)

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop_waiting()
            super().connection_lost(exc)

        def _close(self) -> None:
            self.waiting = None
            is_answering = self.cycle is not None and not self.cycle.response_complete
            if not is_answering and not self.transport.is_closing():
                self.transport.abort()

        def _stop_waiting(self) -> None:
            if self.waiting is not None:
                self.waiting.cancel()
                self.waiting = None

    return BoundedConnection
