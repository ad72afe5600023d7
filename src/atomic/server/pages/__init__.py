"""The pages: one shell and its parts, served as they lie, with nothing from anywhere else."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

STATIC = Path(str(resources.files(__package__))) / "static"
PAGES = ("/", "/requests", "/bidders", "/tasks", "/budgets", "/what-if", "/review", "/inbox", "/ledger", "/access")
# No script and no style but our files, no frame around us, no form to elsewhere.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
}


def routes() -> list[BaseRoute]:
    """The shell under each page's path, and what it loads. They hold no data: those come from the API."""
    shell = [Route(path, _shell) for path in (*PAGES, "/request/{request_id:path}")]
    return [*shell, Mount("/static", _Static(directory=STATIC))]


def is_page(path: str) -> bool:
    """Whether a path is of a page, which needs no key."""
    return path in PAGES or path.startswith(("/static/", "/request/"))


async def _shell(request: Request) -> Response:
    return FileResponse(STATIC / "index.html", headers={**HEADERS, "cache-control": "no-cache"})


class _Static(StaticFiles):
    """Files that browsers ask for again each time, and get again only when they changed."""

    def file_response(self, *args: object, **kwargs: object) -> Response:
        response: Response = super().file_response(*args, **kwargs)  # type: ignore[arg-type]
        response.headers.update({**HEADERS, "cache-control": "no-cache"})
        return response
