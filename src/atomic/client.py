"""A typed client of `atomic serve`: async, and a synchronous door to it."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import aclosing
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, TypeVar

import httpx
import orjson
from pydantic import BaseModel

from atomic.blocking import Door
from atomic.errors import AtomicError, CallerError, Conflict, Erased, KeyRefused, NotFound, OperatorError, TooMany
from atomic.server.native.shapes import (
    BatchShown,
    BudgetsShown,
    EventsShown,
    FeedbackAsked,
    HeadShown,
    OutcomeShown,
    QuestionShown,
    QuestionsShown,
    RequestRow,
    RequestsShown,
    Rows,
    RunAsked,
    TaskShown,
    TermsAsked,
    Told,
    WhatIfAsked,
)

P = ParamSpec("P")
R = TypeVar("R")
Model = TypeVar("Model", bound=BaseModel)
_SECONDS = 630.0  # longer than any task of the server's waits by itself
_KINDS: dict[int, type[AtomicError]] = {404: NotFound, 409: Conflict, 410: Erased}


class AsyncClient:
    """A server's native API. Money is in nano-USD. Close it, or use it as `async with`.

    Errors are those of the market itself: NotFound, Conflict, KeyRefused, TooMany (which says when to come again),
    CallerError for what does not fit, OperatorError for what the server's side has to mend, each with its hint.
    """

    def __init__(self, url: str, *, key: str = "", timeout: float = _SECONDS) -> None:
        headers = {"authorization": f"Bearer {key}"} if key else {}
        base = url.rstrip("/").removesuffix("/api/v1") + "/api/v1/"
        self._http = httpx.AsyncClient(base_url=base, headers=headers, timeout=timeout)

    async def tasks(self) -> list[TaskShown]:
        """The microtasks that can be run."""
        return [TaskShown.model_validate(one) for one in await self._ask("GET", "tasks")]

    async def run(
        self, /, task: str, input: Any, *, terms: TermsAsked | None = None, request_id: str = "", **options: Any
    ) -> OutcomeShown:
        """Buy an answer; a refusal is an outcome, too. `options`: label, domain, subjects, numbers, decision."""
        asked = RunAsked(input=input, request_id=request_id, terms=terms or TermsAsked(), **options)
        return OutcomeShown.model_validate(await self._ask("POST", f"tasks/{_part(task)}/run", asked))

    async def stream(
        self, /, task: str, input: Any, *, terms: TermsAsked | None = None, request_id: str = "", **options: Any
    ) -> AsyncIterator[Any]:
        """Buy an answer that is read while it is written: partial values, as JSON, and last its OutcomeShown.

        Partials pass for nothing. Leaving the loop before the end cancels the purchase. `options` are those of `run`.
        """
        asked = RunAsked(input=input, request_id=request_id, terms=terms or TermsAsked(), **options)
        said = asked.model_dump(mode="json", exclude_unset=True)
        kind = ""
        try:
            async with self._http.stream("POST", f"tasks/{_part(task)}/stream", json=said) as response:
                if response.status_code != 200:
                    raise _error(response.status_code, await response.aread(), response.headers)
                lines = _Lines()
                async for piece in response.aiter_bytes():
                    for line in lines.of(piece):
                        if line.startswith("event: "):
                            kind = line[7:]
                        elif line.startswith("data: ") and kind == "problem":
                            raise _error(int(orjson.loads(line[6:])["status"]), line[6:].encode(), response.headers)
                        elif line.startswith("data: "):
                            value = orjson.loads(line[6:])
                            yield OutcomeShown.model_validate(value) if kind == "outcome" else value
        except httpx.TransportError as error:
            raise OperatorError(f"{self._http.base_url} does not answer: {type(error).__name__}") from error

    async def batch(self, task: str, requests: Sequence[RunAsked]) -> BatchShown:
        """Buy many answers at once, in order."""
        said = {"requests": [one.model_dump(mode="json") for one in requests]}
        return BatchShown.model_validate(await self._ask("POST", f"tasks/{_part(task)}/batch", said))

    async def feedback(self, /, request_id: str, value: float | None = None, **word: Any) -> None:
        """Say how right an outcome was, or by `truth` what is right. `word`: truth, rights, source, author, asked."""
        asked = FeedbackAsked(value=value, **word)
        await self._ask("POST", f"requests/{_part(request_id)}/feedback", asked)

    async def request(self, request_id: str) -> RequestRow:
        """One request."""
        return RequestRow.model_validate(await self._ask("GET", f"requests/{_part(request_id)}"))

    async def requests(self, /, **which: Any) -> RequestsShown:
        """A page of requests, the newest first. `which`: task, status, bidder, search, before, limit."""
        return RequestsShown.model_validate(await self._ask("GET", "requests", query=which))

    async def explain(self, request_id: str, *, bodies: bool = False) -> Told:
        """Why it was bought from whom, and what it would have taken to be bought elsewhere."""
        return await self._told("GET", f"requests/{_part(request_id)}/explain", query={"bodies": bodies})

    async def why_not(self, request_id: str, bidder: str) -> Told:
        """Why a bidder did not win it, and what it would have taken."""
        return await self._told("GET", f"requests/{_part(request_id)}/why-not", query={"bidder": bidder})

    async def what_if(self, asked: WhatIfAsked) -> Told:
        """What recorded traffic would have bought if something had been otherwise."""
        return await self._told("POST", "what-if", asked)

    async def replay(self, *, deep: bool = False, sample: float | None = None) -> Told:
        """Compute every award again."""
        query = {"deep": deep} | ({} if sample is None else {"sample": sample})
        return await self._told("POST", "replay", query=query)

    async def bidders(self) -> Rows:
        """Who takes part."""
        return Rows.model_validate(await self._ask("GET", "bidders"))

    async def beliefs(self, task: str = "") -> Rows:
        """What is believed of each bid."""
        return Rows.model_validate(await self._ask("GET", "beliefs", query={"task": task}))

    async def budgets(self, day: str = "") -> BudgetsShown:
        """What a UTC day has cost so far."""
        return BudgetsShown.model_validate(await self._ask("GET", "budgets", query={"day": day}))

    async def savings(self, /, against: str, **which: Any) -> Rows:
        """What the market saved against a bidder. `which`: task, since."""
        return Rows.model_validate(await self._ask("GET", "savings", query={"against": against, **which}))

    async def questions(self, queue: str = "") -> QuestionsShown:
        """What waits for a person."""
        return QuestionsShown.model_validate(await self._ask("GET", "review", query={"queue": queue}))

    async def question(self, name: str) -> QuestionShown:
        """One question, with what a reader needs."""
        return QuestionShown.model_validate(await self._ask("GET", f"review/{_part(name)}"))

    async def answer(self, name: str, reviewer: str, value: Any) -> None:
        """A person's answer to a question; None declines."""
        await self._ask("POST", f"review/{_part(name)}/answer", {"reviewer": reviewer, "value": value})

    async def head(self) -> HeadShown:
        """The ledger's last event."""
        return HeadShown.model_validate(await self._ask("GET", "ledger/head"))

    async def events(self, /, *, after: int = 0, kinds: Sequence[str] = (), **which: Any) -> EventsShown:
        """A page of the ledger's events. `which`: request_id, bodies, limit."""
        query = {"after": after, "kind": list(kinds), **which}
        return EventsShown.model_validate(await self._ask("GET", "ledger/events", query=query))

    async def verify(self) -> Told:
        """Whether the ledger is as it was written."""
        return await self._told("POST", "ledger/verify")

    async def live(self, *, after: int | None = None, kinds: Sequence[str] = ()) -> AsyncIterator[Told]:
        """Events of the ledger as they come, without end; a connection that is lost is made again, and misses none."""
        while True:
            query = {"kind": list(kinds)} | ({} if after is None else {"after": after})
            try:
                async with self._http.stream("GET", "events", params=query, timeout=None) as response:
                    if response.status_code != 200:
                        raise _error(response.status_code, await response.aread(), response.headers)
                    lines = _Lines()
                    async for piece in response.aiter_bytes():
                        for line in lines.of(piece):
                            if line.startswith("data: "):
                                event: Told = orjson.loads(line[6:])
                                after = int(event["seq"])
                                yield event
            except httpx.TransportError:
                if after is None:
                    raise

    async def _told(self, method: str, path: str, asked: Any = None, *, query: Mapping[str, Any] | None = None) -> Told:
        found: Told = await self._ask(method, path, asked, query=query)
        return found

    async def _ask(self, method: str, path: str, asked: Any = None, *, query: Mapping[str, Any] | None = None) -> Any:
        if isinstance(asked, BaseModel):
            asked = asked.model_dump(mode="json", exclude_unset=True)
        try:
            response = await self._http.request(method, path, json=asked, params=dict(query or {}))
        except httpx.TransportError as error:
            raise OperatorError(f"{self._http.base_url} does not answer: {type(error).__name__}") from error
        if response.status_code >= 400:
            raise _error(response.status_code, response.content, response.headers)
        return orjson.loads(response.content) if response.content else None

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


class _Lines:
    """The lines of a stream of events. They end with a line feed alone: JSON may hold all else that ends lines."""

    def __init__(self) -> None:
        self._rest = b""

    def of(self, piece: bytes) -> list[str]:
        """Those that are whole now."""
        *whole, self._rest = (self._rest + piece).split(b"\n")
        return [one.decode() for one in whole]


def _part(text: str) -> str:
    """A name in a path; its slashes stay."""
    return (
        httpx.URL("http://x").copy_with(path=f"/{text}").raw_path.decode()[1:].replace("?", "%3F").replace("#", "%23")
    )


def _error(status: int, body: bytes, headers: httpx.Headers) -> AtomicError:
    try:
        said = orjson.loads(body)
        message, hint = str(said["detail"]), str(said.get("hint") or "")
    except (ValueError, KeyError, TypeError, AttributeError):
        message, hint = f"status {status}", ""
    if status in (401, 403):
        return KeyRefused(message, hint=hint, known=status == 403)
    if "retry-after" in headers:
        return TooMany(message, hint=hint, seconds=float(headers["retry-after"]), ours=status != 429)
    return _KINDS.get(status, CallerError if status < 500 else OperatorError)(message, hint=hint)


def _waiting(
    method: Callable[Concatenate[AsyncClient, P], Coroutine[Any, Any, R]],
) -> Callable[Concatenate[Client, P], R]:
    """A method of the async client as one that waits."""

    @functools.wraps(method)
    def wait(self: Client, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return self._door.wait(method(self._client, *args, **kwargs))

    return wait


class Client:
    """The same for code that is not async, safe to use from many threads. Close it, or use it as `with`."""

    def __init__(self, url: str, *, key: str = "", timeout: float = _SECONDS) -> None:
        self._door = Door()
        self._client = AsyncClient(url, key=key, timeout=timeout)

    tasks = _waiting(AsyncClient.tasks)
    run = _waiting(AsyncClient.run)
    batch = _waiting(AsyncClient.batch)
    feedback = _waiting(AsyncClient.feedback)
    request = _waiting(AsyncClient.request)
    requests = _waiting(AsyncClient.requests)
    explain = _waiting(AsyncClient.explain)
    why_not = _waiting(AsyncClient.why_not)
    what_if = _waiting(AsyncClient.what_if)
    replay = _waiting(AsyncClient.replay)
    bidders = _waiting(AsyncClient.bidders)
    beliefs = _waiting(AsyncClient.beliefs)
    budgets = _waiting(AsyncClient.budgets)
    savings = _waiting(AsyncClient.savings)
    questions = _waiting(AsyncClient.questions)
    question = _waiting(AsyncClient.question)
    answer = _waiting(AsyncClient.answer)
    head = _waiting(AsyncClient.head)
    events = _waiting(AsyncClient.events)
    verify = _waiting(AsyncClient.verify)

    def stream(self, /, task: str, input: Any, **how: Any) -> Iterator[Any]:
        """Partial values and last the OutcomeShown of an answer that is read while it is written; see AsyncClient."""
        return self._waited(self._client.stream(task, input, **how))

    def live(self, *, after: int | None = None, kinds: Sequence[str] = ()) -> Iterator[Told]:
        """Events of the ledger as they come, without end."""
        return self._waited(self._client.live(after=after, kinds=kinds))

    def _waited(self, coming: AsyncIterator[R]) -> Iterator[R]:
        try:
            while (one := self._door.wait(_next(coming))) is not None:
                yield one[0]
        finally:
            self._door.wait(_close(coming))

    def close(self) -> None:
        """Close the connections."""
        self._door.wait(self._client.close())
        self._door.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


async def _next(coming: AsyncIterator[R]) -> tuple[R] | None:
    """The next one; None at the end."""
    async for one in coming:
        return (one,)
    return None


async def _close(coming: AsyncIterator[Any]) -> None:
    async with aclosing(coming):  # type: ignore[type-var]  # a generator in fact
        pass
