"""race: a round's attempts under way. They end one by one; what is not waited for any longer has an end, too."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from atomic.clock import Clock
from atomic.protocols import Bidder
from atomic.records.attempt import Plan
from atomic.records.bid import Bid, Reason
from atomic.records.microtask import Ask
from atomic.stages.capacity import Held
from atomic.stages.examine import Examiner
from atomic.stages.execute import Attempted, cut_off, execute, patience_ns
from atomic.stages.speech import Speech


@dataclass(slots=True, eq=False)
class _Runner:
    bid: Bid
    plan: Plan
    work: asyncio.Task[Attempted]
    began_ns: int
    patience_ns: int
    end: Attempted | None = None


class Race:
    """Attempts of one round, in the order of their start. Each gives back its place as soon as it ends.

    Once a hedge runs with them, the first answer ends the race for all.
    """

    def __init__(
        self,
        bidders: Mapping[str, Bidder],
        clock: Clock,
        held: Held,
        speech: Speech | None = None,
        *,
        alone: bool = False,
        examiner: Examiner | None = None,
    ) -> None:
        self._bidders = bidders
        self._clock = clock
        self._held = held
        self._speech = speech or Speech()
        self._alone = alone  # nobody else is to be asked: all the time there is may be waited
        self._examiner = examiner
        self._runners: list[_Runner] = []
        self.first_ends_it = False

    def start(self, ask: Ask, bids: Sequence[Bid], plans: Sequence[Plan]) -> None:
        """Start attempts; their places are held already."""
        began_ns = self._clock.monotonic_ns()
        for bid, plan in zip(bids, plans, strict=True):
            bidder = self._bidders[bid.offer.bidder]
            patience = patience_ns(bid, ask.time_left_ns, bidder.profile.lasting_ns, alone=self._alone)
            heard = replace(ask, hear=self._speech.of(bid.key))
            work = asyncio.ensure_future(
                execute(bidder, heard, bid, plan, self._clock, alone=self._alone, examiner=self._examiner)
            )
            work.add_done_callback(lambda _, name=bid.offer.bidder: self._held.free(name))  # type: ignore[misc]
            self._runners.append(_Runner(bid, plan, work, began_ns, patience))

    @property
    def running(self) -> list[Bid]:
        """Whose attempts are under way."""
        return [one.bid for one in self._runners if one.end is None]

    @property
    def ended(self) -> list[Attempted]:
        """What has come so far, in the order of the starts."""
        return [one.end for one in self._runners if one.end is not None]

    @property
    def lasted_ns(self) -> int:
        """How long it has been since the first start."""
        return self._clock.monotonic_ns() - self._runners[0].began_ns

    @property
    def awaited(self) -> list[Bid]:
        """Those of them that were started last: who was asked before is hoped for, not waited for."""
        return [one.bid for one in self._awaited()]

    @property
    def waited_ns(self) -> int:
        """How long those awaited have run."""
        return self._clock.monotonic_ns() - self._awaited()[0].began_ns

    @property
    def patience_left_ns(self) -> int:
        """How much longer those awaited are waited for at most."""
        return max(0, *(one.patience_ns for one in self._awaited())) - self.waited_ns

    def _awaited(self) -> list[_Runner]:
        running = [one for one in self._runners if one.end is None]
        return [one for one in running if one.began_ns == running[-1].began_ns]

    async def wait(self, within_ns: int | None) -> bool:
        """Wait until somebody ends, but no longer than this; whether anybody did."""
        running = {one.work: one for one in self._runners if one.end is None}
        seconds = None if within_ns is None else within_ns / 1e9
        done, _ = await asyncio.wait(running, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for work in done:
            running[work].end = work.result()
        if self.first_ends_it and any(work.result().reply.reason is None for work in done):
            self.cut()
        return bool(done)

    def cut(self) -> None:
        """Wait for nobody any longer.

        Nobody outside bills for what it did not finish, so its reservation is given back; who has a meter of its own
        may, so that stays spent. Who took longer than nine in ten of its attempts was overtaken, which counts against
        its health; others were only cut short.
        """
        now_ns = self._clock.monotonic_ns()
        for one in self._runners:
            if one.end is not None:
                continue
            one.work.cancel()
            # It is left behind; what it raises later is nobody's any more.
            one.work.add_done_callback(lambda late: late.cancelled() or late.exception())
            price = one.bid.offer.ceiling if self._bidders[one.bid.offer.bidder].profile.metered else 0
            took_ns = now_ns - one.began_ns
            if took_ns >= one.bid.latency_high_ns:
                one.end = replace(cut_off(one.bid, Reason.OVERTAKEN, price=price), latency_ns=took_ns)
            else:
                one.end = cut_off(one.bid, Reason.CANCELLED, price=price)

    async def cancel(self) -> list[Bid]:
        """The request is cancelled: end all work and wait until it has ended; whose attempts were cut by it.

        What has ended by itself is among `ended` then.
        """
        running = [one for one in self._runners if one.end is None]
        for one in running:
            one.work.cancel()
        with suppress(asyncio.CancelledError):  # cancelled again: they have ended by then all the same
            await asyncio.gather(*(one.work for one in running), return_exceptions=True)
        for one in running:
            if not one.work.cancelled():
                one.end = one.work.result()
        return self.running
