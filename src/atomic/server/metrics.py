"""`/metrics`: the market's numbers as Prometheus reads them."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from atomic.errors import KeyRefused
from atomic.server.problems import Problem
from atomic.server.service import Service


async def metrics(request: Request) -> Response:
    """Numbers of the whole ledger, so a key of one tenant may not read them."""
    service: Service = request.state.service
    service.require(request.state.principal, "see", "budgets")
    if request.state.principal.tenant:
        raise KeyRefused("this key is of one tenant, and these are everybody's numbers", known=True)
    if service.observed is None:
        raise Problem(404, "no metrics here", hint='pip install "atomic-market[observe]"')
    return Response(service.observed.page(), headers={"content-type": service.observed.content_type})
