"""A mailbox that is watched: mail is handled as it comes, moves and tags teach as they happen, until it is stopped.

In rounds: look what changed; learn from what its owner did; handle what is new, several mails at once but only so many
that the next look is not far. Learning never runs beside handling, so what we are about to do is never mistaken for
the owner's doing.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from atomic.errors import OperatorError
from atomic.inbox.actions import Actions
from atomic.inbox.corrections import learn_from_moves
from atomic.inbox.handler import Handled
from atomic.inbox.places import Place, place_for
from atomic.inbox.run import Run, handle_one
from atomic.inbox.source import INBOX, VANISHED, Skipped, SourceMail
from atomic.inbox.watch import Spot, mails_in, results_in, tags_in
from atomic.records.event import Event
from atomic.records.lesson import FeedbackGiven
from atomic.records.question import QuestionAnswered

INTERVAL_S = 2.0
GRACE_S = 20.0
TRIES = 5
_PREFIX = 16  # of a SHA-256, as in request ids
_BATCH = 8  # mails in a round, per mail at once


@dataclass(slots=True)
class _Changed:
    """A place that shows as moved only what changed since it was last asked; `left` are mails left half done."""

    inner: Place
    out: Path
    moves_source: bool
    fresh: Sequence[Spot] = ()
    unfinished: frozenset[str] = frozenset()
    left: list[Spot] = field(default_factory=list)

    def move(self, mail: SourceMail, name: str, folder: str) -> Path:
        """As the place does."""
        return self.inner.move(mail, name, folder)

    def moved(self) -> Iterator[SourceMail]:
        """Each mail of a spot that changed."""
        for spot in self.fresh:
            item = spot.read()
            if isinstance(item, SourceMail):
                if item.key in self.unfinished:
                    self.left.append(spot)
                yield item


@dataclass(slots=True)
class _Again:
    """A spot to be tried again, and how often it was tried."""

    spot: Spot
    tries: int
    due: int  # the round


async def serve_inbox(run: Run, *, stop: asyncio.Event, interval: float = INTERVAL_S, grace: float = GRACE_S) -> None:
    """Handle a mailbox's mail as it comes, until `stop` is set.

    Looks every `interval` seconds. A mail that cannot be handled, or an action that fails, is tried five times, with
    pauses that double, and then passed over until its file changes. Once stopped, what is in hand has `grace` seconds
    to end; what has not ended then is cancelled, which gives it back to the next runner.

    Raises FileNotFoundError or NotADirectoryError for no mailbox, OperatorError when the ledger cannot be written.
    """
    async with _following(_Serving(run, stop, grace)) as serving:
        while not stop.is_set():
            await serving.round()
            if not serving.todo:
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), interval)


@asynccontextmanager
async def _following(serving: _Serving) -> AsyncIterator[_Serving]:
    market = serving.run.market
    unfollow = market.ledger.follow(serving.follow, after=market.beliefs.seq)  # what is folded twice does no harm
    try:
        yield serving
    finally:
        unfollow()


class _Serving:
    def __init__(self, run: Run, stop: asyncio.Event, grace: float) -> None:
        inner = place_for(run.root, run.out)
        self.run = run
        self.todo: deque[Spot] = deque()
        self._stop = stop
        self._grace = grace
        self._place = _Changed(inner, inner.out, inner.moves_source)
        self._actions = Actions(run.market, self._place, run.settings)
        self._actions.load()
        pages = self._actions.book.pages.items()
        self._place.unfinished = frozenset(key for key, page in pages if page.unfinished)
        self._mails = mails_in(run.root, run.out)
        self._results = results_in(run.out)
        self._tags = tags_in(run.out)
        self._done: dict[str, Spot] = {}  # by the beginning of the mail's SHA-256
        self._corrected: set[str] = set()
        self._again: dict[str, _Again] = {}
        self._rounds = 0
        self._trouble = ""
        self._failure: OperatorError | None = None

    def follow(self, events: Sequence[Event]) -> None:
        """Take in what this process and others record: what was done to mails, and what people said of them."""
        self._actions.book.fold(events)
        for event in events:
            said = isinstance(event.payload, FeedbackGiven) and event.payload.source == "person"
            if said or isinstance(event.payload, QuestionAnswered):  # an approval, or not about a mail at all
                self._corrected.add(event.request_id.partition("/")[0])

    async def round(self) -> None:
        """Look, learn, handle."""
        self._rounds += 1
        await self.run.market.record(())  # catches up with other processes
        try:
            fresh = await asyncio.to_thread(self._mails.look)
            await self._learn(fresh)
            self._trouble = ""
        except OSError as error:
            trouble = f"{self.run.root} cannot be listed now: {error.strerror or type(error).__name__}"
            if trouble != self._trouble:
                self.run.watcher.note(trouble)
            self._trouble, fresh = trouble, []
        self.todo.extend(spot for spot in fresh if not self._place.moves_source or spot.folder == INBOX)
        self.todo.extend(self._place.left)
        self._place.left.clear()
        for key in self._corrected & self._done.keys():
            self.todo.append(self._done.pop(key))
        self._corrected.clear()
        for again in [one for one in self._again.values() if one.due <= self._rounds]:
            again.due = self._rounds + (1 << TRIES)  # not before it was tried
            self.todo.append(again.spot)
        await self._handle()

    async def _learn(self, fresh: Sequence[Spot]) -> None:
        moved = fresh if self._place.moves_source else await asyncio.to_thread(self._results.look)
        tagged = await asyncio.to_thread(self._tags.look)
        self._place.fresh = moved
        if moved or tagged:
            for words in await learn_from_moves(self.run.market, self._actions, self.run.settings):
                self.run.watcher.note(words)
        self._place.fresh, self._place.unfinished = (), frozenset()

    async def _handle(self) -> None:
        """Handle a batch of what is to do; once stopped, finish what was begun or give it back."""
        count = min(len(self.todo), _BATCH * self.run.settings.concurrency)
        batch = {spot.id: spot for spot in (self.todo.popleft() for _ in range(count))}
        work = asyncio.create_task(self._all(list(batch.values())))
        patience = asyncio.create_task(self._until_patience_ends())
        try:
            await asyncio.wait({work, patience}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            patience.cancel()
            work.cancel()  # does nothing to what has ended
            await asyncio.wait({work, patience})
        if not work.cancelled():
            work.result()
        if self._failure is not None:
            raise self._failure

    async def _until_patience_ends(self) -> None:
        await self._stop.wait()
        await asyncio.sleep(self._grace)

    async def _all(self, spots: Sequence[Spot]) -> None:
        free = asyncio.Semaphore(self.run.settings.concurrency)
        working: set[str] = set()
        async with asyncio.TaskGroup() as group:
            for spot in spots:
                await free.acquire()
                if self._stop.is_set() or self._failure is not None:
                    break
                item = await asyncio.to_thread(spot.read)
                if isinstance(item, Skipped):
                    self._again.pop(spot.id, None)
                    if item.reason != VANISHED:  # mail comes and goes
                        self.run.watcher.skipped(item)
                    free.release()
                elif item.key[:_PREFIX] in self._done or item.key in working:
                    self.run.watcher.skipped(Skipped(item.path, "the same mail once more"))
                    free.release()
                else:
                    working.add(item.key)
                    group.create_task(self._one(spot, item, free))

    async def _one(self, spot: Spot, item: SourceMail, free: asyncio.Semaphore) -> None:
        try:
            one = await handle_one(self.run, self._actions, item)
        except OperatorError as error:
            self._failure = self._failure or error
            return
        finally:
            free.release()
        why = one.problem or ", ".join(f"{t.decision.words}: {t.detail}" for t in one.taken if t.status == "failed")
        if why:
            self._try_later(spot, one, why)
        else:
            self._again.pop(spot.id, None)
            self._done[item.key[:_PREFIX]] = spot
            self.run.watcher.handled(one)

    def _try_later(self, spot: Spot, one: Handled, why: str) -> None:
        tries = self._again[spot.id].tries + 1 if spot.id in self._again else 1
        if tries >= TRIES:
            del self._again[spot.id]
            self.run.watcher.handled(one)
            self.run.watcher.note(f"{one.source.path.name}: given up after {tries} tries: {why}")
            return
        self._again[spot.id] = _Again(spot, tries, self._rounds + (1 << tries))
        self.run.watcher.note(f"{one.source.path.name}: will be tried again: {why}")
