"""The contract of durable flows: what every runner must keep, as checks to be run over each.

A check gets `make`, which opens a runner with the bodies it is given. `DURABLE` are for runners whose flows outlive
them: there `make` opens the same flows each time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from atomic.errors import Conflict, NotFound
from atomic.protocols import FlowBody, Flows, Steps
from atomic.records.flow import FlowState, Json

Make = Callable[[Mapping[str, FlowBody]], AbstractAsyncContextManager[Flows]]
Check = Callable[[Make], Awaitable[None]]
_PATIENCE_S = 30.0
_LONG_S = 3_600.0


class Queried(Protocol):
    """Whoever knows how flows stand, also without running them."""

    async def query(self, flow_id: str = "") -> Sequence[FlowState]:
        """See `Flows`."""
        ...


async def until(flows: Queried, flow_id: str, *statuses: str) -> FlowState:
    """Wait until a flow stands so; half a minute at most."""
    async with asyncio.timeout(_PATIENCE_S):
        while True:
            for state in await flows.query(flow_id):
                if state.status in statuses:
                    return state
            await asyncio.sleep(0.02)


class Trace:
    """What bodies did, in order; `step` gives the work of a step that notes its name."""

    def __init__(self) -> None:
        self.done: list[str] = []

    def step(self, name: str, result: Json = None) -> Callable[[], Awaitable[Json]]:
        """Work that leaves a trace."""

        async def work() -> Json:
            self.done.append(name)
            return result

        return work


async def results_are_kept_and_an_id_is_one_flow(make: Make) -> None:
    """Started twice it runs once; its result, argument and steps can be read."""
    trace = Trace()

    async def body(steps: Steps, argument: Json) -> Json:
        first = await steps.step("first", trace.step("first", [1, "é"]))
        await steps.step("second", trace.step("second"))
        return {"argument": argument, "first": first}

    async with make({"kind": body}) as flows:
        assert not list(await flows.query("f1")), "nothing is known of a flow before it starts"
        await flows.start("kind", "f1", {"mail": "abc"})
        state = await until(flows, "f1", "done")
        await flows.start("kind", "f1", {"mail": "abc"})
        await flows.resume("f1")
        assert state.result == {"argument": {"mail": "abc"}, "first": [1, "é"]}, "what the body returned"
        assert (state.kind, state.argument, state.reason) == ("kind", {"mail": "abc"}, "")
        assert state.steps == ("first", "second"), "steps that ended, in order"
        assert trace.done == ["first", "second"], "each once"
        assert [one.id for one in await flows.query()] == ["f1"], "all flows"


async def what_is_not_known_is_refused(make: Make) -> None:
    """An unknown kind or flow is NotFound, an id with another argument a Conflict."""

    async def body(steps: Steps, argument: Json) -> Json:
        return None

    async with make({"kind": body}) as flows:
        await flows.start("kind", "f1", 1)
        for call in (
            flows.start("other", "f2", 1),
            flows.signal("f2", "go", 1),
            flows.cancel("f2"),
            flows.resume("f2"),
        ):
            try:
                await call
            except NotFound:
                continue
            raise AssertionError("NotFound was expected")
        try:
            await flows.start("kind", "f1", 2)
        except Conflict:
            return
    raise AssertionError("Conflict was expected")


async def a_failure_is_tried_again(make: Make) -> None:
    """A step that fails fewer times than it may is as good as one that never failed."""
    tries: list[int] = []

    async def fails_twice() -> Json:
        tries.append(1)
        if len(tries) < 3:
            raise ValueError("not yet")
        return "now"

    async def body(steps: Steps, argument: Json) -> Json:
        return await steps.step("one", fails_twice, attempts=3, pause=0.01)

    async with make({"kind": body}) as flows:
        await flows.start("kind", "f1", None)
        assert (await until(flows, "f1", "done")).result == "now"


async def poison_is_parked_with_its_reason_and_goes_on_where_it_failed(make: Make) -> None:
    """After bounded retries it is parked, without what the error quoted; others go on; resuming tries again."""
    trace, broken = Trace(), [True]

    async def poison() -> Json:
        trace.done.append("poison")
        if broken:
            raise ValueError("Dear Ann, here is my password")
        return "cured"

    async def body(steps: Steps, argument: Json) -> Json:
        await steps.step("before", trace.step("before"))
        return await steps.step("poison", poison, attempts=2, pause=0.01)

    async def fine(steps: Steps, argument: Json) -> Json:
        return await steps.step("one", trace.step("fine", "fine"))

    async with make({"kind": body, "fine": fine}) as flows:
        await flows.start("kind", "f1", None)
        parked = await until(flows, "f1", "parked")
        assert parked.reason == "ValueError (tried 2 times)", "the reason, and no body"
        assert trace.done == ["before", "poison", "poison"], "as often as it may, and no more"
        await flows.start("fine", "f2", None)
        assert (await until(flows, "f2", "done")).result == "fine", "others go on"
        broken.clear()
        await flows.resume("f1")
        assert (await until(flows, "f1", "done")).result == "cured"
        assert trace.done == ["before", "poison", "poison", "fine", "poison"], "what had ended is not done again"


async def a_body_that_cannot_go_on_is_parked(make: Make) -> None:
    """Two steps of one name, a result that is no JSON, and an error of the body's own."""
    trace = Trace()

    async def twice(steps: Steps, argument: Json) -> Json:
        await steps.step("one", trace.step("one"))
        return await steps.step("one", trace.step("one"))

    async def strange() -> Json:
        return object()  # type: ignore[return-value]

    async def no_json(steps: Steps, argument: Json) -> Json:
        return await steps.step("one", strange)

    async def wrong(steps: Steps, argument: Json) -> Json:
        raise KeyError("secret")

    async with make({"twice": twice, "no_json": no_json, "wrong": wrong}) as flows:
        for kind in ("twice", "no_json", "wrong"):
            await flows.start(kind, kind, None)
        assert (await until(flows, "twice", "parked")).reason.startswith("TaskError: two steps of one name")
        assert "Error" in (await until(flows, "no_json", "parked")).reason
        assert (await until(flows, "wrong", "parked")).reason == "KeyError"


async def _waiting(steps: Steps, argument: Json) -> Json:
    seconds = argument if isinstance(argument, float) else _LONG_S
    first = await steps.wait("go", seconds=seconds)
    return [first]


async def a_flow_waits_for_a_person_an_event_or_a_time(make: Make) -> None:
    """A signal ends a wait, before or after it began; without one, time does."""

    async def early(steps: Steps, argument: Json) -> Json:
        ready = await steps.wait("ready", seconds=_LONG_S)
        return [ready, await steps.wait("go", seconds=_LONG_S)]

    async def timed(steps: Steps, argument: Json) -> Json:
        await steps.sleep("a moment", seconds=0.05)
        return "woke"

    async with make({"waiting": _waiting, "early": early, "timed": timed}) as flows:
        await flows.start("waiting", "f1", None)
        assert (await until(flows, "f1", "waiting")).waits_for == "go", "it says what it waits for"
        await flows.signal("f1", "go", {"approved": True})
        assert (await until(flows, "f1", "done")).result == [{"approved": True}]
        await flows.start("early", "f2", None)
        await until(flows, "f2", "waiting")
        await flows.signal("f2", "go", 2)  # not what it waits for yet
        await flows.signal("f2", "ready", 1)
        assert (await until(flows, "f2", "done")).result == [1, 2], "a signal is kept until it is waited for"
        await flows.start("waiting", "f3", 0.05)
        assert (await until(flows, "f3", "done")).result == [None], "no signal came"
        await flows.start("timed", "f4", None)
        assert (await until(flows, "f4", "done")).result == "woke"


async def a_paused_flow_goes_on_when_it_is_resumed(make: Make) -> None:
    """Paused it does nothing, whatever it is told; resumed it goes on, and has heard what was said meanwhile."""
    trace = Trace()

    async def body(steps: Steps, argument: Json) -> Json:
        await steps.step("before", trace.step("before"))
        said = await steps.wait("go", seconds=_LONG_S)
        return await steps.step("after", trace.step("after", said))

    async with make({"kind": body}) as flows:
        await flows.start("kind", "f1", None)
        await until(flows, "f1", "waiting")
        await flows.cancel("f1", pause=True)
        assert (await until(flows, "f1", "paused")).result is None
        await flows.signal("f1", "go", "now")
        await asyncio.sleep(0.5)
        assert trace.done == ["before"], "it is paused"
        await flows.resume("f1")
        assert (await until(flows, "f1", "done")).result == "now"
        assert trace.done == ["before", "after"], "each once"


async def a_cancelled_flow_does_no_more_steps(make: Make) -> None:
    """The step that is being done ends; the next does not begin. A flow that is done stays done."""
    trace, begun, free = Trace(), asyncio.Event(), asyncio.Event()

    async def slow() -> Json:
        begun.set()
        await free.wait()
        trace.done.append("slow")
        return None

    async def body(steps: Steps, argument: Json) -> Json:
        await steps.step("slow", slow)
        return await steps.step("never", trace.step("never"))

    async with make({"kind": body, "waiting": _waiting}) as flows:
        await flows.start("kind", "f1", None)
        await begun.wait()
        await flows.cancel("f1")
        free.set()
        await until(flows, "f1", "cancelled")
        await asyncio.sleep(0.5)
        assert trace.done == ["slow"], "cancelled"
        await flows.start("waiting", "f2", 0.0)
        await until(flows, "f2", "done")
        await flows.cancel("f2")
        assert (await until(flows, "f2", "done")).result == [None]


async def what_was_open_goes_on_when_it_is_opened_again(make: Make) -> None:
    """A wait, and a step that was cut; what had ended is not done again."""
    trace, cut, begun = Trace(), [True], asyncio.Event()

    async def slow() -> Json:
        trace.done.append("slow")
        begun.set()
        if cut:
            await asyncio.Event().wait()
        return "slow"

    async def body(steps: Steps, argument: Json) -> Json:
        await steps.step("before", trace.step("before"))
        return await steps.step("slow", slow)

    bodies = {"kind": body, "waiting": _waiting}
    async with make(bodies) as flows:
        await flows.start("kind", "f1", None)
        await flows.start("waiting", "f2", None)
        await until(flows, "f2", "waiting")
        await begun.wait()
    cut.clear()
    async with make(bodies) as flows:
        assert (await until(flows, "f1", "done")).result == "slow"
        assert trace.done == ["before", "slow", "slow"]
        await flows.signal("f2", "go", 1)
        assert (await until(flows, "f2", "done")).result == [1]


async def what_is_paused_or_parked_stays_so_when_it_is_opened_again(make: Make) -> None:
    """Only a person's word makes it go on."""
    broken = [True]

    async def poison() -> Json:
        if broken:
            raise ValueError
        return "cured"

    async def body(steps: Steps, argument: Json) -> Json:
        return await steps.step("poison", poison)

    bodies = {"kind": body, "waiting": _waiting}
    async with make(bodies) as flows:
        await flows.start("kind", "f1", None)
        await flows.start("waiting", "f2", None)
        await until(flows, "f1", "parked")
        await until(flows, "f2", "waiting")
        await flows.cancel("f2", pause=True)
    broken.clear()
    async with make(bodies) as flows:
        await asyncio.sleep(0.5)
        assert (await until(flows, "f1", "parked")).reason == "ValueError"
        await until(flows, "f2", "paused")
        await flows.resume("f1")
        await flows.resume("f2")
        assert (await until(flows, "f1", "done")).result == "cured"
        await flows.signal("f2", "go", 1)
        assert (await until(flows, "f2", "done")).result == [1]


EVERY: tuple[Check, ...] = (
    results_are_kept_and_an_id_is_one_flow,
    what_is_not_known_is_refused,
    a_failure_is_tried_again,
    poison_is_parked_with_its_reason_and_goes_on_where_it_failed,
    a_body_that_cannot_go_on_is_parked,
    a_flow_waits_for_a_person_an_event_or_a_time,
    a_paused_flow_goes_on_when_it_is_resumed,
    a_cancelled_flow_does_no_more_steps,
)
DURABLE: tuple[Check, ...] = (
    what_was_open_goes_on_when_it_is_opened_again,
    what_is_paused_or_parked_stays_so_when_it_is_opened_again,
)
