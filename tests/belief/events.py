"""Events made by hand for folding."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from atomic.protocols import Profile
from atomic.records import (
    AttemptFinished,
    Event,
    Lesson,
    LessonsLearned,
    OutcomeSettled,
    Payload,
    Reason,
    RequestOpened,
    Terms,
)
from atomic.records.event import KIND_OF

PROFILE = Profile(name="ant", kind="scripted", right=0.6)


def event(seq: int, payload: Payload, *, request_id: str = "r", tenant: str = "", time_ns: int | None = None) -> Event:
    return Event(
        seq=seq,
        kind=KIND_OF[type(payload)],
        version=1,
        tenant=tenant,
        label="internal",
        request_id=request_id,
        round=1,
        time_ns=seq if time_ns is None else time_ns,
        payload=payload,
    )


def opened(task: str = "spam") -> RequestOpened:
    return RequestOpened(task=task, task_version="1", domain="mail", labels=(), terms=Terms(worth=1, max_price=1))


def finished(bidder: str = "ant", reason: Reason | None = None, **changes: Any) -> AttemptFinished:
    return AttemptFinished(bidder=bidder, tactic="plain", reason=reason, **changes)


def learned(*lessons: Lesson, task: str = "spam", domain: str = "mail", alternatives: int = 2) -> LessonsLearned:
    return LessonsLearned(
        task=task, domain=domain, source="person", cause=0, alternatives=alternatives, lessons=lessons
    )


def right(target: float, key: str = "ant+plain", weight: float = 1.0, features: tuple[float, ...] = ()) -> Lesson:
    return Lesson(kind="right", key=key, target=target, weight=weight, features=features)


names = st.sampled_from(["ant", "bee", "cat"])
shares = st.floats(0.0, 1.0)
inner = st.floats(0.001, 0.999)


@st.composite
def lessons(draw: st.DrawFn) -> Lesson:
    kind = draw(st.sampled_from(["right", "answer", "agree", "differ", "settle"]))
    first, second = sorted((f"{draw(names)}+plain", f"{draw(names)}+x"))
    target, weight = draw(shares), draw(st.sampled_from([1.0, 0.7, 0.5, 0.2, -1.0, -0.5]))
    features: dict[str, tuple[float, ...]] = {
        "right": draw(st.sampled_from([(), (draw(inner), draw(inner))])),
        "answer": (draw(inner), draw(inner)),
        "agree": (draw(inner),),
        "differ": (draw(st.floats(-9.0, 9.0)),),
        "settle": (float(draw(st.integers(1, 8))), draw(inner)),
    }
    key = f"{first}|{second}" if kind in {"agree", "differ"} else "" if kind == "settle" else first
    return Lesson(kind=kind, key=key, target=target, weight=weight, features=features[kind])  # type: ignore[arg-type]


@st.composite
def payloads(draw: st.DrawFn) -> Payload:
    task = draw(st.sampled_from(["spam", "tone"]))
    which = draw(st.integers(0, 3))
    if which == 0:
        return opened(task)
    if which == 1:
        return OutcomeSettled(task=task, status="answered")
    if which == 2:
        return finished(
            draw(names),
            draw(st.none() | st.sampled_from(Reason)),
            latency_ns=draw(st.integers(0, 10**11)),
            price=draw(st.integers(0, 10**7)),
            expected_price=draw(st.integers(0, 10**7)),
        )
    return learned(*draw(st.lists(lessons(), max_size=4)), task=task, alternatives=draw(st.sampled_from([0, 2, 3])))


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    found: list[Event] = []
    for seq in range(1, draw(st.integers(1, 25)) + 1):
        request = draw(st.sampled_from("rst"))
        tenant = draw(st.sampled_from(["", "t"]))
        found.append(
            event(seq, draw(payloads()), request_id=request, tenant=tenant, time_ns=draw(st.integers(0, 2**62)))
        )
    return found
