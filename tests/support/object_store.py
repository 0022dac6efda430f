"""An object store of the tests' own that speaks as much of S3's protocol as pyarrow asks for, on a loopback port.

moto, which stands in for S3 elsewhere, needs an older python-dateutil than this project is tested with.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from threading import Thread
from typing import Protocol
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

BUCKET = "bucket"
XML = '<?xml version="1.0" encoding="UTF-8"?>'


@dataclass(eq=False)
class ObjectServer:
    """Objects by key.

    Attributes:
        objects: Those that are visible.
        uploads: Parts by number of uploads that are not complete, by their ids.
        on_part: Called before a part of an upload is kept; the status that it is answered.
    """

    objects: dict[str, bytes] = field(default_factory=dict)
    uploads: dict[str, dict[int, bytes]] = field(default_factory=dict)
    on_part: Callable[[], int] = lambda: 200

    def listing(self, prefix: str, delimiter: str, most: int) -> str:
        """The keys that begin so; with a delimiter those behind it as one."""
        keys, common = [], set()
        for key in sorted(key for key in self.objects if key.startswith(prefix)):
            inner, found, _ = key[len(prefix) :].partition(delimiter) if delimiter else (key, "", "")
            (common.add(f"{prefix}{inner}{found}") if found else keys.append(key))
        entries = [
            f"<Contents><Key>{escape(key)}</Key><Size>{len(self.objects[key])}</Size>"
            "<LastModified>2026-01-01T00:00:00Z</LastModified></Contents>"
            for key in keys[:most]
        ]
        entries += [f"<CommonPrefixes><Prefix>{escape(one)}</Prefix></CommonPrefixes>" for one in sorted(common)]
        count = f"<KeyCount>{len(entries)}</KeyCount><IsTruncated>false</IsTruncated>"
        return f"{XML}<ListBucketResult>{''.join(entries)}{count}</ListBucketResult>"


class _Stream(Protocol):
    def read(self, size: int, /) -> bytes: ...

    def readline(self) -> bytes: ...


def _chunks(stream: _Stream) -> Iterator[bytes]:
    """Chunks of a body, each behind its length in hexadecimal; lines behind the last are left out."""
    while size := int(stream.readline().partition(b";")[0], 16):
        yield stream.read(size)
        stream.readline()
    while stream.readline().strip():
        pass


def _handler(store: ObjectServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def _asked(self) -> tuple[str, dict[str, str]]:
            url = urlsplit(self.path)
            options = {name: own[0] for name, own in parse_qs(url.query, keep_blank_values=True).items()}
            return unquote(url.path).removeprefix(f"/{BUCKET}").removeprefix("/"), options

        def _answer(self, status: int, body: bytes | str = b"", **headers: str) -> None:
            content = body.encode() if isinstance(body, str) else body
            self.send_response(status)
            given = {name.replace("_", "-"): value for name, value in headers.items()}
            for name, value in ({"Content-Length": str(len(content)), "ETag": '"0"'} | given).items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        def _body(self) -> bytes:
            if self.headers.get("transfer-encoding") == "chunked":
                body = b"".join(_chunks(self.rfile))
            else:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
            signed = "aws-chunked" in self.headers.get("content-encoding", "")
            return b"".join(_chunks(BytesIO(body))) if signed else body

        def do_HEAD(self) -> None:
            key, _ = self._asked()
            if key not in store.objects:
                return self._answer(404)
            return self._answer(
                200, Content_Length=str(len(store.objects[key])), Last_Modified=formatdate(0, usegmt=True)
            )

        def do_GET(self) -> None:
            key, options = self._asked()
            if "list-type" in options:
                most = int(options.get("max-keys", 1000))
                return self._answer(200, store.listing(options.get("prefix", ""), options.get("delimiter", ""), most))
            if key not in store.objects:
                return self._answer(404, f"{XML}<Error><Code>NoSuchKey</Code></Error>")
            content = store.objects[key]
            first, last = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers["range"]).groups()  # type: ignore[union-attr]
            return self._answer(206, content[int(first) : int(last) + 1], Last_Modified=formatdate(0, usegmt=True))

        def do_PUT(self) -> None:
            key, options = self._asked()
            if "uploadId" in options:
                status, part = store.on_part(), self._body()
                store.uploads[options["uploadId"]][int(options["partNumber"])] = part
                return self._answer(status)
            store.objects[key] = self._body()
            return self._answer(200)

        def do_POST(self) -> None:
            key, options = self._asked()
            body = self._body().decode()
            if "uploads" in options:
                name = f"upload-{len(store.uploads)}"
                store.uploads[name] = {}
                return self._answer(
                    200,
                    f"{XML}<InitiateMultipartUploadResult><UploadId>{name}</UploadId></InitiateMultipartUploadResult>",
                )
            if "delete" in options:
                for gone in re.findall("<Key>(.*?)</Key>", body):
                    store.objects.pop(gone, None)
                return self._answer(200, f"{XML}<DeleteResult></DeleteResult>")
            parts = store.uploads.pop(options["uploadId"])
            store.objects[key] = b"".join(parts[number] for number in sorted(parts))
            result = "<CompleteMultipartUploadResult><ETag>0</ETag></CompleteMultipartUploadResult>"
            return self._answer(200, f"{XML}{result}")

        def do_DELETE(self) -> None:
            store.objects.pop(self._asked()[0], None)
            self._answer(204)

        def log_message(self, *_: object) -> None:
            pass

    return Handler


@contextmanager
def object_server() -> Iterator[tuple[ObjectServer, dict[str, str]]]:
    """A server that runs, and the environment by which pyarrow finds it at ``s3://bucket``."""
    store = ObjectServer()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(store))
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever)
    thread.start()
    environment = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_address[1]}",
        "AWS_ACCESS_KEY_ID": "nobody",
        "AWS_SECRET_ACCESS_KEY": "nothing",
        "AWS_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    try:
        yield store, environment
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
