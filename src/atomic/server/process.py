"""The processes of `atomic serve`: one, or a parent with workers on one socket."""

from __future__ import annotations

import logging
import os
import socket
from pathlib import Path

import uvicorn
from uvicorn.supervisors import Multiprocess

from atomic.config import Config, read_config, with_ledger
from atomic.errors import OperatorError
from atomic.server.app import make_app
from atomic.server.front import Front

_CONFIG, _LEDGER = "ATOMIC_SERVE_CONFIG", "ATOMIC_SERVE_LEDGER"  # how a worker knows what its parent was asked
_CHECK_SECONDS = 60  # a worker that says nothing for so long is replaced


def serve(path: Path, config: Config, listening: socket.socket, *, workers: int) -> int:
    """Serve on this socket until a signal ends it; the exit code."""
    os.environ[_CONFIG] = str(path.absolute())
    os.environ[_LEDGER] = str(config.ledger.absolute()) if config.ledger is not None else ""
    made = uvicorn.Config(
        "atomic.server.process:worker_app",
        factory=True,
        workers=workers,
        log_config=None,
        log_level=logging.WARNING,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=int(config.settings.serve.drain),
        timeout_worker_healthcheck=_CHECK_SECONDS,
    )
    if workers > 1:
        Multiprocess(made, sockets=[listening]).run()
        return 0
    server = uvicorn.Server(made)
    server.run(sockets=[listening])
    return 0 if server.started else 1


def worker_app() -> Front:
    """The application of a worker, as its parent was asked for it."""
    config = read_config(Path(os.environ[_CONFIG]))
    ledger = os.environ[_LEDGER]
    return make_app(with_ledger(config, Path(ledger)) if ledger else config, signals=True)


def listen(host: str, port: int) -> socket.socket:
    """A socket at this address. Raises OperatorError."""
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise OperatorError(
            f"{host}:{port} cannot be had: {error.strerror}", hint="choose another with --host and --port"
        ) from None
    listening.set_inheritable(True)
    return listening
