"""A mail server on loopback that keeps what it gets, well or with any failure. Needs aiosmtpd (extra `sink`)."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesParser
from typing import Literal

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

Stage = Literal["connect", "mail", "rcpt", "data", "quit"]
Hook = Callable[[Stage], Awaitable[None]]
DONE, CUT, STALL = "250 2.0.0 taken", "cut", "stall"


@dataclass(frozen=True, slots=True)
class Received:
    """A mail that the sink took."""

    sender: str
    to: tuple[str, ...]
    content: bytes

    @property
    def message(self) -> Message:
        """Its header fields and parts."""
        return BytesParser().parsebytes(self.content)


class SmtpSink:
    """Keeps in `received` what it takes.

    `plays` says what it does at a stage instead: a reply such as "451 4.3.0 later", `CUT` (the connection), or `STALL`
    (says nothing more until it is closed). `CUT` and `STALL` at "data" come after the mail was taken. `hook` is awaited
    at each stage, before it answers; "quit" is when the client has read its word on the mail.
    """

    def __init__(self, *, login: tuple[str, str] | None = None) -> None:
        self.login = login
        self.port = 0
        self.received: list[Received] = []
        self.plays: dict[Stage, str] = {}
        self.hook: Hook | None = None
        self.connections = 0
        self.open = 0  # connections now
        self._closing = asyncio.Event()

    async def _at(self, stage: Stage, server: SMTP, usual: str) -> str:
        if self.hook is not None:
            await self.hook(stage)
        play = self.plays.get(stage, usual)
        if play == CUT:
            assert server.transport is not None
            server.transport.abort()  # type: ignore[attr-defined]  # it is a Transport
        elif play == STALL:
            await self._closing.wait()
        return play

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        """aiosmtpd's."""
        session.host_name = hostname
        self.connections += 1
        await self._at("connect", server, "")
        return responses

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """aiosmtpd's."""
        if self.login is not None and not session.authenticated:
            return "530 5.7.0 who are you?"  # aiosmtpd's own check does not know of TLS from the first byte
        envelope.mail_from = address
        return await self._at("mail", server, "250 ok")

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """aiosmtpd's."""
        said = await self._at("rcpt", server, "250 ok")
        if said.startswith("250"):
            envelope.rcpt_tos.append(address)
        return said

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """aiosmtpd's."""
        content = envelope.original_content or b""
        if self.plays.get("data", DONE) in {DONE, CUT, STALL}:
            self.received.append(Received(envelope.mail_from or "", tuple(envelope.rcpt_tos), content))
        return await self._at("data", server, DONE)

    async def handle_QUIT(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """aiosmtpd's."""
        return await self._at("quit", server, "221 goodbye")

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object
    ) -> AuthResult:
        """Whether a name and a password are those of `login`."""
        wanted = None if self.login is None else tuple(one.encode() for one in self.login)
        right = isinstance(data, LoginPassword) and (data.login, data.password) == wanted
        return AuthResult(success=right, handled=right)

    def close(self) -> None:
        """Let go of what stalls."""
        self._closing.set()


class _Server(SMTP):
    """Counts its connections."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.event_handler.open += self.transport is None  # else it is made anew, with TLS
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self.event_handler.open -= 1
        super().connection_lost(error)


@asynccontextmanager
async def smtp_sink(
    *,
    tls: ssl.SSLContext | None = None,
    implicit: bool = False,
    login: tuple[str, str] | None = None,
    largest: int = 2**25,
) -> AsyncIterator[SmtpSink]:
    """A running sink on a free port: with `tls` by STARTTLS, or from the first byte (`implicit`)."""
    sink = SmtpSink(login=login)

    def made() -> SMTP:
        return _Server(
            sink,
            hostname="localhost",
            data_size_limit=largest,
            tls_context=None if implicit else tls,
            require_starttls=tls is not None and not implicit,
            authenticator=sink.authenticate,
            auth_require_tls=tls is not None and not implicit,
        )

    loop = asyncio.get_running_loop()
    server = await loop.create_server(made, "127.0.0.1", 0, ssl=tls if implicit else None)
    sink.port = server.sockets[0].getsockname()[1]
    try:
        yield sink
    finally:
        sink.close()
        server.close()
        await asyncio.sleep(0)  # what stalled ends
