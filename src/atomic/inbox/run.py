"""A whole inbox: read, handled several mails at once, and told to whoever watches. One bad mail stops nobody."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from atomic.errors import AtomicError, Erased, OperatorError
from atomic.inbox.actions import Actions
from atomic.inbox.corrections import learn_from_moves
from atomic.inbox.handler import Handled, handle, unreadable
from atomic.inbox.places import place_for
from atomic.inbox.policy_settings import InboxSettings
from atomic.inbox.source import INBOX, Skipped, SourceMail, read_mailbox
from atomic.market import Market

ERASED = "what was answered about it was erased"
Item = SourceMail | Skipped


class Watcher(Protocol):
    """Who is told what happens, as it happens."""

    def handled(self, one: Handled) -> None:
        """A mail was handled, or could not be (`problem`)."""
        ...

    def skipped(self, one: Skipped) -> None:
        """A file was not read."""
        ...

    def note(self, words: str) -> None:
        """Something else that a person should know."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a run needs. `after` is awaited for each mail when it is handled, before the next takes its place."""

    market: Market
    root: Path
    out: Path
    settings: InboxSettings
    watcher: Watcher
    after: Callable[[Handled], Awaitable[None]] | None = None


async def run_inbox(run: Run) -> None:
    """Handle every mail of a mailbox; what its owner moved since the last run teaches first.

    A mail that was handled before costs nothing. In a Maildir only the INBOX is handled, and mail whose actions a
    run that died left half done. A mail that cannot be handled is told and passed over.

    Raises FileNotFoundError or NotADirectoryError for no mailbox, and OperatorError when the ledger cannot be
    written: then nothing more could be kept.
    """
    place = place_for(run.root, run.out)
    actions = Actions(run.market, place, run.settings)
    actions.load()
    items = read_mailbox(run.root)
    for words in await learn_from_moves(run.market, actions, run.settings):
        run.watcher.note(words)
    free = asyncio.Semaphore(run.settings.concurrency)
    seen: set[str] = set()
    failures: list[OperatorError] = []
    async with asyncio.TaskGroup() as group:
        while not failures:
            await free.acquire()
            item = await asyncio.to_thread(next_wanted, items, actions, run.out)
            if item is None:
                break
            if isinstance(item, Skipped) or item.key in seen:
                free.release()
                run.watcher.skipped(
                    item if isinstance(item, Skipped) else Skipped(item.path, "the same mail once more")
                )
                continue
            seen.add(item.key)
            group.create_task(_one(run, actions, item, free, failures))
    if failures:
        raise failures[0]


def next_wanted(items: Iterator[Item], actions: Actions, out: Path) -> Item | None:
    """The next mail to handle or file to tell of; None at the end. Blocks while it reads."""
    for item in items:
        if item.path.is_relative_to(out):
            continue
        if isinstance(item, Skipped) or not actions.place.moves_source or item.folder == INBOX:
            return item
        if actions.book.page(item.key).unfinished:
            return item
    return None


async def handle_one(run: Run, actions: Actions, item: SourceMail) -> Handled:
    """Handle a mail, whatever it does to us: an error becomes its `problem`, so that the next is still handled.

    Raises OperatorError when the ledger cannot be written; one that is only busy is a problem like any other. Raises
    Erased when what was answered about it was erased: it is not asked again.
    """
    try:
        return await handle(run.market, item, run.settings, actions)
    except OperatorError as error:
        if not error.retryable:
            raise
        return unreadable(item, f"{type(error).__name__}: {error.message}")
    except Erased:
        raise
    except AtomicError as error:
        return unreadable(item, f"{type(error).__name__}: {error.message}")
    except Exception as error:  # its words may quote the mail: its kind and place are told
        place = traceback.extract_tb(error.__traceback__)[-1]
        return unreadable(item, f"{type(error).__name__} in {Path(place.filename).name}, line {place.lineno}")


async def _one(
    run: Run, actions: Actions, item: SourceMail, free: asyncio.Semaphore, failures: list[OperatorError]
) -> None:
    try:
        try:
            one = await handle_one(run, actions, item)
        except Erased:
            run.watcher.skipped(Skipped(item.path, ERASED))
            return
        except OperatorError as error:
            failures.append(error)
            return
        if run.after is not None and not one.problem:
            await run.after(one)
        run.watcher.handled(one)
    finally:
        free.release()
