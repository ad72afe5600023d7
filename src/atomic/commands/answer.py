"""`atomic answer`: what waits for a person, and a person's word on it. What others wrote is shown escaped."""

from __future__ import annotations

import asyncio
import getpass
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from atomic.commands.common import (
    ConfigOption,
    JsonOption,
    LedgerOption,
    columns,
    find_config_and_ledger,
    print_json,
    reading,
    say,
)
from atomic.errors import CallerError, NotFound
from atomic.questions import Question
from atomic.records.canonical import canonical_json
from atomic.records.money import dollars
from atomic.records.question import QuestionTaken
from atomic.review import (
    Queue,
    Word,
    content_of,
    counts,
    give,
    input_of,
    is_ours,
    read_value,
    taken,
    type_told,
)

if TYPE_CHECKING:
    from atomic.config import Config
    from atomic.protocols import History

_DECLINE, _REFUSE = "-", "refuse"
_SHOWN = 4_000  # characters of an input; the whole is in `atomic ledger show ID --bodies`
_LATEST = 10


def answer(
    question: Annotated[
        str, typer.Argument(metavar="[ID]", help='A question, or a part of its name; "next" is the oldest.')
    ] = "",
    value: Annotated[str | None, typer.Option(help="The answer: a label, text, or JSON.")] = None,
    decline: Annotated[bool, typer.Option("--decline", help="Say that you cannot answer it.")] = False,
    reviewer: Annotated[str, typer.Option("--as", metavar="NAME", help="Who answers. Default: your login name.")] = "",
    json: JsonOption = False,
    config: ConfigOption = None,
    ledger: LedgerOption = None,
) -> None:
    """List what waits for a person, or answer one of it.

    Without --value or --decline it asks you; meanwhile nobody else gets the question.
    """
    if value is not None and decline:
        raise typer.BadParameter("say either --value or --decline")
    read = find_config_and_ledger(config, ledger)
    with reading(config, ledger) as opened:
        queue = Queue(opened)
        if not question:
            rows = [_row(opened, one) for one in queue.waiting(time.time_ns())]
            differing = [one for one in queue.all() if _differs(opened, one)][-_LATEST:]
            if json:
                disagreed = [{"question": one.asked.question, "said": _said(opened, one)} for one in differing]
                print_json({"waiting": rows, "disagreed": disagreed})
            else:
                _list(opened, rows, differing)
            return
        found = _find(queue, question)
        shown = tuple(_shown(opened, found))
        schema = content_of(opened, found).get("schema", {})
    who = reviewer or getpass.getuser()
    if value is None and not decline:
        say("\n".join(shown))
        asyncio.run(_give(read, found, who, (taken(found, who),), is_ours))
        try:
            typed = _prompt(found)
        except typer.Abort:  # Ctrl-C, or nobody there to type
            typed = ""
        if not typed:
            asyncio.run(_give(read, found, who, (taken(found, who, until_ns=0),), lambda *_: True))
            say("given back")
            return
        value, decline = (None, True) if typed == _DECLINE else (typed, False)
    if found.asked.kind == "approval" and value == _REFUSE:
        value, decline = None, True
    content = None if decline or value is None else canonical_json(read_value(value, found, schema))
    asyncio.run(_give(read, found, who, (taken(found, who), Word(who, content)), counts))
    declined = "refuses" if found.asked.kind == "approval" else "declines"
    say(f"{found.asked.question}: {who} {declined if decline else f'says {value}'}")


async def _give(
    config: Config,
    question: Question,
    reviewer: str,
    says: tuple[QuestionTaken | Word, ...],
    worked: Callable[[Question, str], bool],
) -> None:
    from atomic.config import open_to_judge

    async with open_to_judge(config) as market:
        await give(market, Queue(market.ledger), question, reviewer, says, worked)


def _find(queue: Queue, text: str) -> Question:
    waiting = queue.waiting(time.time_ns())
    if text == "next":
        if not waiting:
            raise NotFound("nothing waits for a person")
        return waiting[0]
    exact = [one for one in waiting if one.asked.question == text]
    matching = exact or [one for one in waiting if text.strip("…") in one.asked.question]
    if not matching:
        raise NotFound(f"no question {text!r} waits", hint="`atomic answer` lists what waits")
    if len(matching) > 1:
        some = ", ".join(one.asked.question for one in matching[:5])
        raise CallerError(f"{len(matching)} questions match {text!r}: {some}", hint="write more of it")
    return matching[0]


def _shown(ledger: History, question: Question) -> Iterator[str]:
    """The question for whoever answers it."""
    asked, content = question.asked, content_of(ledger, question)
    text = str(content["shown"]) if "shown" in content else input_of(ledger, question)
    yield f"{asked.question}: {asked.task}, {dollars(asked.price)} per answer"
    yield str(content.get("instruction", ""))
    yield ""
    yield from (f"  | {line}" for line in text[:_SHOWN].splitlines())
    if len(text) > _SHOWN:
        yield f"  … and {len(text) - _SHOWN} characters more"
    yield ""
    yield f"One of: {', '.join(asked.labels)}" if asked.labels else f"Type: {type_told(content.get('schema', {}))}"


def _prompt(question: Question) -> str:
    labels = f" ({', '.join(question.asked.labels)})" if question.asked.labels else ""
    typed = typer.prompt(f"Answer{labels}; {_DECLINE} declines, empty gives it back", default="", show_default=False)
    return str(typed).strip()


def _row(ledger: History, question: Question) -> dict[str, Any]:
    asked, now = question.asked, time.time_ns()
    return {
        "question": asked.question,
        "kind": asked.kind,
        "task": asked.task,
        "price": asked.price,
        "labels": list(asked.labels),
        "seconds_left": max(0, asked.until_ns - now) // 1_000_000_000 if asked.until_ns else None,
        "answered": len(question.said),
        "wanted": asked.wanted,
        "works_on_it": list(question.holders(now)),
    }


def _list(ledger: History, rows: list[dict[str, Any]], differing: list[Question]) -> None:
    if not rows:
        say("nothing waits for a person")
    else:
        heading = ("question", "task", "price", "left", "answered", "works on it")
        cells = [
            (
                one["question"],
                f"{one['task']}?" if one["kind"] == "answer" else f"{one['task']}: may it?",
                dollars(one["price"]),
                "-" if one["seconds_left"] is None else f"{one['seconds_left']} s",
                f"{one['answered']} of {one['wanted']}",
                ", ".join(one["works_on_it"]) or "nobody",
            )
            for one in rows
        ]
        say("\n".join(columns([heading, *cells])))
    for one in differing:
        say(f"disagreed on {one.asked.question}: {'; '.join(_said(ledger, one))}")


def _said(ledger: History, question: Question) -> list[str]:
    told = []
    for event, word in zip(question.said, question.answers, strict=True):
        content = ledger.body(event.bodies[0]) if event.bodies else None
        told.append(f"{word.reviewer} said {'erased' if content is None else content.decode()}")
    return told


def _differs(ledger: History, question: Question) -> bool:
    """Whether reviewers said different things, as JSON has it."""
    if len(question.said) < 2 or question.declined:
        return False
    contents = {ledger.body(event.bodies[0]) for event in question.said if event.bodies}
    return len(contents) > 1
