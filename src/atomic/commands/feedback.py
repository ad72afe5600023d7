"""`atomic feedback`: say how right an outcome was, or what the right answer is."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any, get_args

import orjson
import typer

from atomic.commands.common import (
    ConfigOption,
    LedgerOption,
    RequestArgument,
    find_config_and_ledger,
    find_request,
    reading,
    short_id,
)
from atomic.commands.logs import follow_if_verbose
from atomic.errors import CallerError
from atomic.records.lesson import Source

if TYPE_CHECKING:
    from atomic.config import Config
    from atomic.protocols import Follower, History
    from atomic.records.event import Event

_NOTHING = object()


def feedback(
    ctx: typer.Context,
    request: RequestArgument,
    value: Annotated[float | None, typer.Option(min=0.0, max=1.0, help="How right it was: 0 wrong, 1 right.")] = None,
    truth: Annotated[str | None, typer.Option(help="The right answer: a label, or JSON.")] = None,
    source: Annotated[str, typer.Option(help=f"Whose word it is: {', '.join(get_args(Source))}.")] = "person",
    author: Annotated[str, typer.Option(help="Who said so.")] = "",
    asked: Annotated[
        bool, typer.Option("--asked", help="It is of a random sample, all of which was asked for.")
    ] = False,
    config: ConfigOption = None,
    ledger: LedgerOption = None,
) -> None:
    """Say how right an outcome was.

    The market learns from it at once, in whatever process it runs.
    """
    if (value is None) == (truth is None):
        raise typer.BadParameter("say either --value or --truth")
    if source not in get_args(Source):
        raise typer.BadParameter(f"there is no source {source!r}: one of {', '.join(get_args(Source))}")
    read = find_config_and_ledger(config, ledger)
    with reading(config, ledger) as opened:
        event = find_request(opened, request)
        answer = None if truth is None else read_truth(truth, event, opened)
    learned = asyncio.run(
        _give(
            read,
            event,
            follow_if_verbose(ctx),
            value=value,
            truth=answer,
            source=source,
            author=author,
            asked=asked,
        )
    )
    said = f"{value:g}" if truth is None else truth
    typer.echo(f"{short_id(event.request_id)}: {source} says {said}; {learned} lessons")


async def _give(config: Config, event: Event, watch: Follower | None, **word: Any) -> int:
    """Give it, and count the lessons that were drawn from it."""
    from atomic.config import open_to_judge
    from atomic.records.lesson import LessonsLearned

    async with open_to_judge(config, followers=() if watch is None else (watch,)) as market:
        seen = max((one.seq for one in market.ledger.read(request_id=event.request_id)), default=0)
        await market.feedback(event.request_id, tenant=event.tenant, **word)
        found = market.ledger.read(after=seen, request_id=event.request_id, kinds=("lessons",))
        return sum(len(one.payload.lessons) for one in found if isinstance(one.payload, LessonsLearned))


def read_truth(text: str, request: Event, ledger: History) -> Any:
    """The answer that a person wrote, as JSON holds it: as its type says where that is known, else as it looks.

    Raises CallerError for what is no answer of that type.
    """
    ours = _our_answer(request, ledger)
    if isinstance(ours, bool):
        words = {"yes": True, "true": True, "no": False, "false": False}
        if text.lower() not in words:
            raise CallerError(f"{text!r} is not the answer to a question that is answered by yes or no")
        return words[text.lower()]
    if isinstance(ours, str) and not text.startswith('"'):
        return text
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        if ours is _NOTHING or isinstance(ours, str):
            return text
        raise CallerError(f"{text!r} is not JSON, and our answer is no text", hint="write it as JSON") from None


def _our_answer(request: Event, ledger: History) -> Any:
    for event in ledger.read(request_id=request.request_id, kinds=("outcome", "finished")):
        for one in event.bodies:
            content = ledger.body(one) if event.tenant == request.tenant and one.name == "answer" else None
            if content is not None:
                return orjson.loads(content)
    return _NOTHING
