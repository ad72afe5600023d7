"""What the routes of the native API are handed: the service, who asks, and the ledger they may see."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Path, Request

from atomic.errors import KeyRefused
from atomic.policies import Action, Area
from atomic.server.keyring import Principal
from atomic.server.service import Service


def _service(request: Request) -> Service:
    service: Service = request.scope["state"]["service"]
    return service


def _principal(request: Request) -> Principal:
    principal: Principal = request.scope["state"]["principal"]
    return principal


def _whole(request: Request) -> Service:
    """The service, for what is of the whole market and no tenant's own. Raises KeyRefused."""
    if _principal(request).tenant:
        raise KeyRefused(
            "this key is a tenant's", hint="what is of the whole market takes a key without one", known=True
        )
    return _service(request)


def may(action: Action, *areas: Area) -> Any:
    """A dependency that lets in whoever may do this in one of the areas. Raises KeyRefused, which says why not."""

    def check(request: Request) -> None:
        _service(request).require(_principal(request), action, *areas)

    return Depends(check)


Serving = Annotated[Service, Depends(_service)]
Whole = Annotated[Service, Depends(_whole)]
Who = Annotated[Principal, Depends(_principal)]
RequestId = Annotated[str, Path(max_length=400)]
