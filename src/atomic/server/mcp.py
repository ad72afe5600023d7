"""`/mcp`: the market's tools for agents, over streamable HTTP; loaded when they are first asked for."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.types import ASGIApp, Receive, Scope, Send

from atomic.errors import KeyRefused
from atomic.market import Market
from atomic.records.microtask import Microtask
from atomic.server.keyring import authored
from atomic.server.problems import Problem
from atomic.server.service import Service
from atomic.trade import Trade

if TYPE_CHECKING:
    from atomic.policies import Action, Area

_DOING: Mapping[str, tuple[Action, Area]] = {
    "requests": ("see", "requests"),
    "judging": ("judge", "requests"),
}


@dataclass(frozen=True, slots=True)
class ServedDesk:
    """Requests are made and seen by whose key it is."""

    service: Service

    @property
    def market(self) -> Market:
        """The worker's."""
        return self.service.market

    @property
    def tasks(self) -> Mapping[str, Microtask[..., Any]]:
        """The server's."""
        return self.service.tasks

    async def trade(self, request: Any, task: str) -> Trade:
        """As the native API's."""
        return await self.service.trade(request.state.principal, task)

    def visible(self, request: Any) -> Sequence[Microtask[..., Any]]:
        """Those that the key names."""
        who = request.state.principal
        self.service.require(who, "see", "tasks")
        return [one for name, one in self.service.tasks.items() if who.may(name)]

    def tenant(self, request: Any, doing: str) -> str:
        """The key's, where it may do this."""
        self.service.require(request.state.principal, *_DOING[doing])
        return str(request.state.principal.tenant)

    def sees_answers(self, request: Any) -> bool:
        """Where its roles may see the inbox."""
        return not self.service.policies.entering(request.state.principal.who, "see", "inbox")

    def author(self, request: Any, stated: str) -> str:
        """Of a person who logged in their own."""
        return authored(request.state.principal, stated)

    def whole(self, request: Any) -> None:
        """For who is of no tenant."""
        self.service.require(request.state.principal, "see", "what-if")
        if request.state.principal.tenant:
            raise KeyRefused("this key is a tenant's", hint="recorded traffic is everybody's", known=True)


class Mcp:
    """The endpoint. The library keeps its sessions in a task of theirs, which ends once the server drains."""

    def __init__(self) -> None:
        self._handler: ASGIApp | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if importlib.util.find_spec("mcp") is None:
            raise Problem(404, "no tools here", hint='pip install "atomic-market[mcp]"')
        self._under_way += 1
        try:
            await (await self._started(scope["state"]["service"]))(scope, receive, send)
        finally:
            self._under_way -= 1

    async def _started(self, service: Service) -> ASGIApp:
        if self._keeping is None:
            self._keeping = asyncio.create_task(self._keep(service))
        while self._handler is None:
            if self._keeping.done():
                raise Problem(503, "this server is stopping", retry_after=1.0)
            await asyncio.sleep(0.01)
        return self._handler

    async def _keep(self, service: Service) -> None:
        from mcp.server.transport_security import TransportSecuritySettings

        from atomic.integrations.mcp_server import mcp_server

        server = mcp_server(ServedDesk(service))
        server.streamable_http_app(
            stateless_http=True,  # any worker may have the next request
            json_response=True,
            transport_security=TransportSecuritySettings(
                enable_dns_rebinding_protection=False
            ),  # the front door sees to it
        )
        async with server.session_manager.run():
            self._handler = server.session_manager.handle_request
            await service.draining.wait()
            while self._under_way:  # noqa: ASYNC110 - requests end by themselves, as all do that drain
                await asyncio.sleep(0.02)
            self._handler = None
