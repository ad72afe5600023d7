"""Logging in and out: by a key, or by whoever vouches for people."""

from __future__ import annotations

import html
import time
from importlib import resources
from urllib.parse import parse_qs, quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from atomic.errors import AtomicError, KeyRefused, NotFound
from atomic.login import OpenId, opened
from atomic.server.keyring import Principal
from atomic.server.pages import HEADERS
from atomic.server.service import Service
from atomic.server.sessions import LOGIN, LOGIN_NS, SESSION, begin, cookie, from_elsewhere, keep

_BACK = "/login/back"
OPEN = frozenset({"/login", "/login/provider", _BACK, "/logout"})
_MOST_BYTES = 10_000


def routes() -> list[BaseRoute]:
    """All of it."""
    return [
        Route("/login", _page),
        Route("/login", _by_key, methods=["POST"]),
        Route("/login/provider", _to_provider),
        Route(_BACK, _back),
        Route("/logout", _out, methods=["POST"]),
    ]


def _local(path: str) -> str:
    """Where to go on, which is never another site."""
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() else "/"


async def _page(request: Request) -> Response:
    return _shown(request, "")


def _shown(request: Request, why: str, status: int = 200) -> Response:
    service: Service = request.state.service
    text = resources.files("atomic.server.pages").joinpath("static/login.html").read_text(encoding="utf-8")
    onward = quote(_local(request.query_params.get("next", "/")), safe="")
    link = f'<p><a class="button" href="/login/provider?next={onward}">Log in with your organisation</a></p>'
    said = f'<p class="bad" role="alert">{html.escape(why)}</p>' if why else ""
    text = text.replace("<!-- said -->", said).replace("<!-- next -->", onward)
    text = text.replace("<!-- provider -->", link if service.open_id is not None else "")
    return Response(text, status, {**HEADERS, "cache-control": "no-store"}, "text/html")


async def _by_key(request: Request) -> Response:
    service: Service = request.state.service
    if from_elsewhere(request.headers):
        return _shown(request, "Another site wanted to log you in. If you want it, too, write your key here.", 403)
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > _MOST_BYTES:
            return _shown(request, "That is no key.", 413)
    secret = parse_qs(body.decode(errors="replace")).get("key", [""])[0].strip()
    try:
        if not secret:
            raise KeyRefused("write a key")
        who = service.keyring.principal(secret, time.time_ns())
    except AtomicError as error:
        return _shown(request, error.message, 401)
    return _entered(request, who, _local(request.query_params.get("next", "/")))


async def _to_provider(request: Request) -> Response:
    service: Service = request.state.service
    try:
        url, kept = await _open_id(service).begin(_address(request) + _BACK)
    except AtomicError as error:
        return _shown(request, error.message, 502)
    response = RedirectResponse(url, 303, {"cache-control": "no-store"})
    facts = {**kept, "next": _local(request.query_params.get("next", "/"))}
    keep(response, LOGIN, facts, service.secret, time.time_ns(), LOGIN_NS, secure=_secure(request))
    return response


async def _back(request: Request) -> Response:
    service: Service = request.state.service
    kept = opened(service.secret, LOGIN, cookie(request.headers, LOGIN), now_ns=time.time_ns())
    if kept is None:
        return _shown(request, "This login took too long, or was begun in another browser.", 401)
    try:
        person = await _open_id(service).finish(kept, request.query_params, _address(request) + _BACK)
    except KeyRefused as error:
        return _shown(request, error.message, 403 if error.known else 401)
    except AtomicError as error:
        return _shown(request, error.message, 502)
    response = _entered(request, Principal(person=person), kept["next"])
    response.delete_cookie(LOGIN)
    return response


async def _out(request: Request) -> Response:
    if from_elsewhere(request.headers):
        return _shown(request, "Another site wanted to log you out. You still are logged in.", 403)
    response = RedirectResponse("/login", 303)
    response.delete_cookie(SESSION)
    return response


def _entered(request: Request, who: Principal, onward: str) -> Response:
    service: Service = request.state.service
    response = RedirectResponse(onward, 303, {"cache-control": "no-store"})
    begin(response, who, service.secret, time.time_ns(), secure=_secure(request))
    return response


def _open_id(service: Service) -> OpenId:
    if service.open_id is None:
        raise NotFound("nobody vouches for people here", hint="see [govern.login] in docs/governance.md")
    return service.open_id


def _address(request: Request) -> str:
    """Where people find this server."""
    service: Service = request.state.service
    login = service.config.settings.govern.login
    stated = login.address if login is not None else None
    return (stated or str(request.base_url)).rstrip("/")


def _secure(request: Request) -> bool:
    return _address(request).startswith("https://")
