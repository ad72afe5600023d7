"""A stand-in for a model hub, on loopback: what it says of a repository, and its files, which lie elsewhere."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

FILE = b"GGUF" + bytes(range(256)) * 4_000
HASH = hashlib.sha256(FILE).hexdigest()
NAME = "hub:someone/small/model-q4.gguf"
KEY = "s3cret"


class Hub:
    """`breaks_after` cuts the next fetch after so many bytes; `gated` wants a key; `file` is what is really there."""

    def __init__(self) -> None:
        self.url = ""
        self.file = FILE
        self.licence = "apache-2.0"
        self.breaks_after = 0
        self.gated = False
        self.ranges = True
        self.asked: list[tuple[str, str, str]] = []  # path, range, authorization

    def said(self) -> dict[str, object]:
        """As the hub's API has it."""
        stored = {"sha256": HASH, "size": len(FILE), "pointerSize": 135}
        return {
            "sha": "c0ffee" * 6,
            "cardData": {"license": self.licence} if self.licence else {},
            "siblings": [
                {"rfilename": "README.md", "size": 10},
                {"rfilename": "model-q4.gguf", "size": len(FILE), "lfs": stored},
            ],
        }


@contextmanager
def stand_in() -> Iterator[Hub]:
    """A hub that runs until the block ends."""
    hub = Hub()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            key = self.headers.get("authorization", "")
            hub.asked.append((self.path, self.headers.get("range", ""), key))
            if self.path.startswith("/api/models/someone/small/revision/main"):
                self._send(
                    *((401, b"") if hub.gated and key != f"Bearer {KEY}" else (200, json.dumps(hub.said()).encode()))
                )
            elif self.path == f"/someone/small/resolve/{'c0ffee' * 6}/model-q4.gguf":
                self.send_response(302)
                self.send_header("location", hub.url.replace("127.0.0.1", "localhost") + "/elsewhere")
                self.end_headers()
            elif self.path == "/elsewhere":
                self._file()
            else:
                self._send(404, b"")

        def _file(self) -> None:
            since = int(self.headers.get("range", "bytes=0-")[6:-1]) if hub.ranges else 0
            body, cut = hub.file[since:], hub.breaks_after
            hub.breaks_after = 0
            self.send_response(206 if since else 200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[:cut] if cut else body)

        def _send(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
