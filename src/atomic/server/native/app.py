"""The application of the native API: its routes, its errors, and its OpenAPI."""

from __future__ import annotations

from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from atomic.errors import AtomicError
from atomic.server.native import access, buying, history, inbox, knowing, overview, requests, review, subjects
from atomic.server.native.shapes import ProblemShown
from atomic.server.problems import Problem, places, response_of, told
from atomic.version import __version__

_EVERYWHERE = (400, 401, 403, 404, 405, 409, 410, 413, 422, 429, 503)
_PROBLEM = "#/components/schemas/Problem"


def native_app() -> FastAPI:
    """All of /api/v1."""
    said = {"content": {"application/problem+json": {"schema": {"$ref": _PROBLEM}}}}
    app = FastAPI(
        title="Atomic",
        version=__version__,
        summary="A market for AI work: buy answers, judge them, and ask why.",
        responses={status: {"description": "A problem.", **said} for status in _EVERYWHERE},
        exception_handlers={
            AtomicError: _told,
            HTTPException: _told,
            RequestValidationError: _told,
            Exception: _crashed,
        },
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    for part in (access, subjects, inbox, buying, review, overview, requests, knowing, history):
        app.include_router(part.router)
    made = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = made()
            schema["components"]["schemas"]["Problem"] = ProblemShown.model_json_schema()
            schema["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
            schema["security"] = [{"key": []}, {}]
        assert app.openapi_schema is not None
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # as FastAPI's documentation has it
    return app


async def _told(request: Request, error: Exception) -> Response:
    if isinstance(error, RequestValidationError):
        said = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()[:5]]
        error = Problem(422, "; ".join(said), hint="/api/v1/openapi.json says what fits")
    return told(error, "problem")


async def _crashed(request: Request, error: Exception) -> Response:
    """A bug: told by its place, without what it quotes."""
    log = structlog.get_logger()
    log.error("crashed", path=request.url.path, error=type(error).__name__, at=places(error))
    return response_of(error, "problem")
