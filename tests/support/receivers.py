"""Receivers of alerts on this machine: a web server that answers as it is asked to, and a mail server."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class WebReceiver:
    """What was posted; ``answers`` are given one by one, then 200 for ever."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    posts: list[tuple[dict[str, str], dict[str, object]]] = field(default_factory=list)


@contextmanager
def web_receiver(*answers: int) -> Iterator[WebReceiver]:
    found = WebReceiver(answers=list(answers))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.posts.append((dict(self.headers), json.loads(body)))
            answer = found.answers.pop(0) if found.answers else 200
            self.send_response(answer)
            if answer == 302:
                self.send_header("Location", found.url + "elsewhere")
            self.end_headers()

        do_GET = do_POST  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    with _served(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as port:
        found.url = f"http://127.0.0.1:{port}/hook-of-secret-path"
        yield found


@dataclass
class MailReceiver:
    """What was mailed; ``refusal`` is the answer to every message, where it is not ""."""

    port: int = 0
    refusal: str = ""
    logins: list[str] = field(default_factory=list)
    mails: list[Message] = field(default_factory=list)


@contextmanager
def mail_receiver(refusal: str = "") -> Iterator[MailReceiver]:
    found = MailReceiver(refusal=refusal)

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self._say("220 ready")
            while line := self.rfile.readline():
                verb = line.split()[0].upper()
                if verb == b"EHLO":
                    self._say("250-here\r\n250 AUTH PLAIN")
                elif verb == b"AUTH":
                    found.logins.append(line.decode().strip())
                    self._say("235 welcome")
                elif verb == b"MAIL" and found.refusal:
                    self._say(found.refusal)
                elif verb == b"DATA":
                    self._say("354 go on")
                    lines = iter(self.rfile.readline, b".\r\n")
                    found.mails.append(message_from_bytes(b"".join(lines), policy=default))
                    self._say("250 taken")
                elif verb == b"QUIT":
                    self._say("221 bye")
                    return
                else:
                    self._say("250 fine")

        def _say(self, text: str) -> None:
            self.wfile.write(f"{text}\r\n".encode())

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with _served(Server(("127.0.0.1", 0), Handler)) as port:
        found.port = port
        yield found


@contextmanager
def _served(server: socketserver.TCPServer) -> Iterator[int]:
    with server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()
