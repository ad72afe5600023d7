"""Errors in the shape of whichever API was asked: problem+json (RFC 9457), OpenAI's or Anthropic's."""

from __future__ import annotations

import math
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import orjson
from starlette.exceptions import HTTPException
from starlette.responses import Response

from atomic.errors import (
    AtomicError,
    CallerError,
    ConfigError,
    Conflict,
    Erased,
    KeyRefused,
    LedgerLocked,
    LedgerUnwritable,
    NotFound,
    ProviderError,
    TooMany,
)

Shape = Literal["problem", "openai", "anthropic"]

_ANTHROPIC = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
}
_OPENAI = {
    401: ("invalid_request_error", "invalid_api_key"),
    403: ("invalid_request_error", "permission_denied"),
    404: ("invalid_request_error", "not_found"),
    429: ("requests", "rate_limit_exceeded"),
    503: ("server_error", "overloaded"),
}
# The first that fits counts.
_STATUSES: tuple[tuple[type[AtomicError], int], ...] = (
    (Erased, 410),
    (NotFound, 404),
    (Conflict, 409),
    (CallerError, 400),
    (LedgerLocked, 503),
    (LedgerUnwritable, 503),
    (ConfigError, 400),
    (ProviderError, 502),
)
_TITLES = {
    400: "This request cannot be read",
    401: "A key is needed",
    403: "This is not allowed",
    404: "There is no such thing",
    405: "This path is not used so",
    409: "This contradicts an earlier request",
    410: "It was erased for ever",
    413: "This request is too large",
    422: "This request does not fit",
    429: "More than a limit lets through",
    500: "This is a bug",
    502: "A bidder's side failed",
    503: "The server cannot take this now",
}


class Problem(AtomicError):
    """An error that has a status of its own; `code` is what OpenAI's API calls it."""

    def __init__(self, status: int, message: str, *, hint: str = "", code: str = "", retry_after: float = 0.0) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.code = code
        self.retry_after = retry_after


def shape_of(path: str, headers: Mapping[str, str] | None = None) -> Shape:
    """Which API speaks under a path.

    >>> shape_of("/v1/messages"), shape_of("/v1/models"), shape_of("/api/v1/tasks")
    ('anthropic', 'openai', 'problem')
    """
    if path.startswith("/v1/messages") or (headers is not None and "anthropic-version" in headers):
        return "anthropic"
    return "openai" if path.startswith("/v1/") else "problem"


def as_problem(error: Exception) -> Problem:
    """What an error comes to for whoever called."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, KeyRefused):
        return Problem(403 if error.known else 401, error.message, hint=error.hint)
    if isinstance(error, TooMany):
        return Problem(503 if error.ours else 429, error.message, hint=error.hint, retry_after=error.seconds)
    for kind, status in _STATUSES:
        if isinstance(error, kind):
            wait = 1.0 if status == 503 else 0.0
            return Problem(status, error.message, hint=error.hint, retry_after=wait)
    return Problem(500, "this is a bug", hint="its trace is in the server's log")


def response_of(error: Exception, shape: Shape) -> Response:
    """The response that says it."""
    problem = as_problem(error)
    headers = {"retry-after": str(math.ceil(problem.retry_after))} if problem.retry_after else {}
    if problem.status == 401:
        headers["www-authenticate"] = "Bearer"
    kind = "application/problem+json" if shape == "problem" else "application/json"
    return Response(orjson.dumps(body_of(problem, shape)), problem.status, headers, kind)


def told(error: Exception, shape: Shape) -> Response:
    """The same for what a web framework raises as well: with its headers, such as which methods a path has."""
    if not isinstance(error, HTTPException):
        return response_of(error, shape)
    response = response_of(Problem(error.status_code, str(error.detail)), shape)
    response.headers.update(error.headers or {})
    return response


def body_of(problem: Problem, shape: Shape) -> dict[str, Any]:
    """An error's JSON.

    >>> body_of(Problem(404, "there is no model 'x'", code="model_not_found"), "openai")["error"]["code"]
    'model_not_found'
    """
    told = f"{problem.message} ({problem.hint})" if problem.hint else problem.message
    if shape == "anthropic":
        kind = _ANTHROPIC.get(problem.status, "invalid_request_error" if problem.status < 500 else "api_error")
        return {"type": "error", "error": {"type": kind, "message": told}}
    if shape == "openai":
        fallback = ("invalid_request_error", None) if problem.status < 500 else ("server_error", None)
        kind, code = _OPENAI.get(problem.status, fallback)
        return {"error": {"message": told, "type": kind, "param": None, "code": problem.code or code}}
    title = _TITLES.get(problem.status, "This cannot be done")
    said: dict[str, Any] = {"type": "about:blank", "title": title, "status": problem.status, "detail": problem.message}
    return said | ({"hint": problem.hint} if problem.hint else {})


def places(error: BaseException) -> list[str]:
    """Where an error arose, innermost last, without any values."""
    frames: list[Any] = traceback.extract_tb(error.__traceback__)[-6:]
    return [f"{Path(one.filename).name}:{one.lineno} {one.name}" for one in frames]
