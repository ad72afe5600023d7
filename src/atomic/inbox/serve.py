"""A mailbox that is watched: mail is handled as it comes, moves and tags teach as they happen, until it is stopped.

In rounds: look what changed, learn from what its owner did, start a flow for each new mail. A flow is one step, since a
mail's microtasks have request ids and are bought once anyway; it brings the retries, and parks what poisons. While we
learn no mail is in hand, so what we are about to do is never mistaken for the owner's doing.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from weakref import WeakValueDictionary

from atomic.durable import PlainFlows
from atomic.errors import AtomicError, Erased, OperatorError
from atomic.inbox.actions import Actions
from atomic.inbox.changed import PREFIX, ChangedPlace
from atomic.inbox.corrections import learn_from_moves
from atomic.inbox.handler import Handled
from atomic.inbox.places import place_for
from atomic.inbox.run import ERASED, Run, handle_one
from atomic.inbox.source import INBOX, VANISHED, Skipped, SourceMail
from atomic.inbox.view import without_addresses
from atomic.inbox.watch import Spot, mails_in, results_in, tags_in
from atomic.protocols import FlowBody, Flows, Steps
from atomic.records.canonical import canonical_json
from atomic.records.event import Event
from atomic.records.flow import Json
from atomic.records.lesson import FeedbackGiven
from atomic.records.question import QuestionAnswered

INTERVAL_S = 2.0
GRACE_S = 20.0
TRIES = 5
KIND = "mail"
_OPEN = 8  # flows that are open, per mail at once: so many that the next look is not far

_BUSY_S = 0.1  # between two looks while mail is waiting

Runner = Callable[[Mapping[str, FlowBody]], AbstractAsyncContextManager[Flows]]


class NotHandled(AtomicError):
    """A mail could not be handled, or one of its actions not be done. Says why without a word of the mail."""


async def serve_inbox(
    run: Run,
    *,
    stop: asyncio.Event,
    interval: float = INTERVAL_S,
    grace: float = GRACE_S,
    runner: Runner = PlainFlows,
) -> None:
    """Handle a mailbox's mail as it comes, until `stop` is set.

    Looks every `interval` seconds. A mail that cannot be handled, or an action that fails, is tried five times, with
    pauses that double from `interval` on, and then parked. Once stopped, what is in hand has `grace` seconds to end;
    what has not ended then is cancelled, which gives it back to the next runner.

    Raises FileNotFoundError or NotADirectoryError for no mailbox, OperatorError when the ledger cannot be written.
    """
    serving = _Serving(run, stop, pause=interval)
    async with _followed(serving), runner({KIND: serving.body}) as serving.flows:
        while not stop.is_set():
            await serving.round()
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), min(interval, _BUSY_S) if serving.todo else interval)
        with suppress(TimeoutError):
            await asyncio.wait_for(serving.nothing_in_hand(), grace)


@asynccontextmanager
async def _followed(serving: _Serving) -> AsyncIterator[None]:
    market = serving.run.market
    unfollow = market.ledger.follow(serving.follow, after=market.beliefs.seq)  # what is folded twice does no harm
    try:
        yield
    finally:
        unfollow()


class _Serving:
    flows: Flows

    def __init__(self, run: Run, stop: asyncio.Event, pause: float) -> None:
        inner = place_for(run.root, run.out)
        self.run = run
        self.todo: deque[Spot] = deque()
        self._stop = stop
        self._pause = pause
        self._place = ChangedPlace(inner, inner.out, inner.moves_source)
        self._actions = Actions(run.market, self._place, run.settings)
        self._actions.load()
        pages = self._actions.book.pages.items()
        self._place.unfinished = frozenset(key for key, page in pages if page.unfinished)
        self._mails = mails_in(run.root, run.out)
        self._results = results_in(run.out)
        self._tags = tags_in(run.out)
        self._policy = hashlib.sha256(canonical_json(run.settings.model_dump(mode="json"))).hexdigest()[:8]
        self._spots: dict[str, Spot] = {}  # by the beginning of the mail's SHA-256
        self._all_known = asyncio.Event()
        self._open: dict[str, str] = {}  # the name of the file, by flow
        self._free = asyncio.Semaphore(run.settings.concurrency)
        self._working: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._left = {key[:PREFIX] for key in self._place.unfinished}
        self._said: dict[str, int] = {}  # the last event in which a person said something of a mail
        self._corrected: set[str] = set()
        self._note_words(run.market.ledger.read(kinds=("feedback", "answered")))
        self._trouble = ""
        self._failure: OperatorError | None = None

    @property
    def is_full(self) -> bool:
        """Whether no more flows are to be opened now."""
        return len(self._open) >= _OPEN * self.run.settings.concurrency

    def follow(self, events: Sequence[Event]) -> None:
        """Take in what this process and others record: what was done to mails, and what people said of them."""
        self._actions.book.fold(events)
        self._corrected |= self._note_words(events)

    def _note_words(self, events: Iterable[Event]) -> set[str]:
        words = set()
        for event in events:
            said = isinstance(event.payload, FeedbackGiven) and event.payload.source == "person"
            if said or isinstance(event.payload, QuestionAnswered):  # an approval, or not about a mail at all
                words.add(key := event.request_id.partition("/")[0])
                self._said[key] = event.seq
        return words

    async def round(self) -> None:
        """Look, learn, start flows, tell of those that ended."""
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
        self._spots.update({key: spot for key, spot in self._place.found.items() if key in self._spots})
        self._place.found.clear()
        for key in self._corrected & self._spots.keys():
            await self._start(key)
        self._corrected.clear()
        while self.todo and not self.is_full and not self._stop.is_set():
            await self._begin(self.todo.popleft())
        if not self.todo:
            self._all_known.set()
        await self._tell()
        if self._failure is not None:
            raise self._failure

    async def nothing_in_hand(self) -> None:
        """Wait until no mail is in hand, and keep it so."""
        for _ in range(self.run.settings.concurrency):
            await self._free.acquire()

    async def _learn(self, fresh: Sequence[Spot]) -> None:
        moved = fresh if self._place.moves_source else await asyncio.to_thread(self._results.look)
        tagged = await asyncio.to_thread(self._tags.look)
        if not moved and not tagged:
            return
        await self.nothing_in_hand()
        try:
            self._place.fresh = moved
            for words in await learn_from_moves(self.run.market, self._actions, self.run.settings):
                self.run.watcher.note(words)
        finally:
            self._place.fresh, self._place.unfinished = (), frozenset()
            for _ in range(self.run.settings.concurrency):
                self._free.release()

    async def _begin(self, spot: Spot) -> None:
        item = await asyncio.to_thread(spot.read)
        if isinstance(item, Skipped):
            if item.reason != VANISHED:  # mail comes and goes
                self.run.watcher.skipped(item)
            return
        key = item.key[:PREFIX]
        known = self._spots.get(key)
        if known is not None and known.id != spot.id and self._mails.has(known):
            self.run.watcher.skipped(Skipped(item.path, "the same mail once more"))
            return
        self._spots[key] = spot
        await self._start(key, item.path.name)

    async def _start(self, key: str, name: str = "") -> None:
        """A flow for a mail under these rules and after what people last said of it: each of these is done once."""
        if key in self._left:  # by a run that died, perhaps under the same id
            self._left.discard(key)
            self._said[key] = self.run.market.beliefs.seq
        flow_id = f"{key}/mail/{self._policy}/{self._said.get(key, 0)}"
        await self.flows.start(KIND, flow_id, {"mail": key})
        self._open[flow_id] = name or key

    async def _tell(self) -> None:
        """Tell of flows that were parked; forget those that ended, and mail that is gone."""
        for flow_id, name in tuple(self._open.items()):
            state = next(iter(await self.flows.query(flow_id)), None)  # None: it ended long ago, and was removed
            if state is not None and state.status in {"parked", "paused"}:
                self.run.watcher.note(f"{name}: {state.status}: {state.reason or 'by its owner'}; flow {flow_id}")
            if state is None or state.status not in {"running", "waiting"}:
                del self._open[flow_id]
        if len(self._spots) > 1_000 + 2 * self._mails.count:
            self._spots = {key: spot for key, spot in self._spots.items() if self._mails.has(spot)}

    async def body(self, steps: Steps, argument: Json) -> Json:
        """The flow of a mail."""
        assert isinstance(argument, dict)
        key = str(argument["mail"])
        return await steps.step("handle", lambda: self._handle(key), attempts=TRIES, pause=self._pause)

    async def _handle(self, key: str) -> Json:
        if key not in self._spots:  # left by a process before us, and not found yet
            await self._all_known.wait()
        lock = self._working.setdefault(key, asyncio.Lock())
        async with lock, self._free:
            spot = self._spots.get(key)
            item = None if spot is None else await asyncio.to_thread(spot.read)
            if not isinstance(item, SourceMail) or item.key[:PREFIX] != key:
                return "gone"
            try:
                one = None if self._stop.is_set() else await self._try(item)
            except Erased:
                self.run.watcher.skipped(Skipped(item.path, ERASED))
                return "erased"
        if one is None:  # left as it is: to the next runner, or because no mail is to blame
            await asyncio.Event().wait()
            raise AssertionError("nobody sets it")
        failed = ", ".join(f"{taken.decision.words}: {taken.detail}" for taken in one.taken if taken.status == "failed")
        if one.problem or failed:
            self.run.watcher.note(f"{item.path.name}: not handled yet: {one.problem or failed}")
            raise NotHandled(without_addresses(failed) or one.problem.partition(":")[0])
        self.run.watcher.handled(one)
        return "handled"

    async def _try(self, item: SourceMail) -> Handled | None:
        try:
            return await handle_one(self.run, self._actions, item)
        except OperatorError as error:
            self._failure = self._failure or error
            return None
