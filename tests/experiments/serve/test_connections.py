"""Connections of clients that send a little at a time, or nothing, to a server on a free loopback port."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from threading import Thread

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from experiments.serve.connections import bounded_connections

SECONDS = 0.4
HEAD = b"POST /slow HTTP/1.1\r\nHost: here\r\nContent-Length: 4\r\n"


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    """An application that reads a body, takes longer than a head may, and refuses ``/refused`` unread."""
    if scope["path"] == "/slow":
        await receive()
        await asyncio.sleep(2 * SECONDS)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as opened:
        config = uvicorn.Config(
            answer, log_config=None, lifespan="off", ws="none", http=bounded_connections(SECONDS), timeout_keep_alive=60
        )
        server = uvicorn.Server(config)
        thread = Thread(target=server.run, kwargs={"sockets": [opened]})
        thread.start()
        yield opened.getsockname()[1]
        server.should_exit = True
        thread.join()


@pytest.fixture
def client(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
        yield client


def rest(client: socket.socket) -> bytes:
    """What comes until the connection is closed."""
    found = b""
    try:
        while more := client.recv(1000):
            found += more
    except ConnectionResetError:
        pass
    return found


@pytest.mark.parametrize("sent", [b"", b"GET /health HTTP/1.1\r\nHo"])
def test_a_connection_without_the_whole_head_of_a_request_is_closed(client: socket.socket, sent: bytes) -> None:
    client.sendall(sent)
    assert rest(client) == b""


def test_an_answer_may_take_longer_than_a_head(client: socket.socket) -> None:
    client.sendall(HEAD + b"Connection: close\r\n\r\nbody")
    assert rest(client).endswith(b"ok")


def test_after_an_answer_the_next_head_is_bounded_again(client: socket.socket) -> None:
    client.sendall(HEAD + b"\r\nbody")
    while not client.recv(1000).endswith(b"ok"):
        pass
    client.sendall(b"GET /health HT")
    assert rest(client) == b""


def test_a_refused_request_s_body_is_not_waited_for(client: socket.socket) -> None:
    client.sendall(HEAD.replace(b"/slow", b"/refused") + b"\r\n")
    while not client.recv(1000).endswith(b"ok"):
        pass
    client.sendall(b"b")
    assert rest(client) == b""
