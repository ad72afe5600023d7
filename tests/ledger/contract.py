"""What every ledger promises, whatever it is made of. To be run over each implementation.

Stands on records and protocols alone, so that it can be shipped to whoever writes another ledger.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Protocol

import pytest

from atomic.errors import CallerError, NotFound
from atomic.protocols import Follower, SharedLedger, Spend
from atomic.records import (
    AttemptStarted,
    Body,
    Entry,
    Event,
    FeedbackGiven,
    MarketOpened,
    OutcomeSettled,
)
from atomic.records.canonical import content_id

DAY = "2026-11-24"


class WholeLedger(SharedLedger, Protocol):
    """A ledger with what its owner calls as well."""

    def head(self) -> int: ...

    def spent(self, day: str, task: str = "") -> int: ...

    async def close(self) -> None: ...


def opened(config: str = "") -> Entry:
    return Entry(payload=MarketOpened(version="1", rules_version="1", config=config), time_ns=5)


def said(value: float, request_id: str = "", **more: Any) -> Entry:
    return Entry(payload=FeedbackGiven(source="person", value=value), request_id=request_id, **more)


def started(request_id: str = "r") -> Entry:
    return Entry(payload=AttemptStarted(bidder="b", tactic="plain", reserved=1), request_id=request_id)


class LedgerContract:
    """Subclass it with two fixtures: `ledger`, open and empty, and `failures`, what reaches the exception handler."""

    async def test_events_are_numbered_from_1_without_gaps(self, ledger: WholeLedger) -> None:
        first = await ledger.append([opened(), opened()])
        second = await ledger.append([opened()])

        assert [1, 2, 3] == [event.seq for event in (*first, *second)]
        assert 3 == ledger.head()

    async def test_an_event_holds_what_its_entry_said(self, ledger: WholeLedger) -> None:
        entry = said(0.25, "request", tenant="t", label="public", round=3, time_ns=-7)

        (event,) = await ledger.append([entry])

        expected = Event(
            seq=1,
            kind="feedback",
            version=1,
            tenant="t",
            label="public",
            request_id="request",
            round=3,
            time_ns=-7,
            payload=entry.payload,
        )
        assert expected == event
        assert [expected] == list(ledger.read())

    async def test_an_entry_without_a_time_gets_the_ledgers(self, ledger: WholeLedger) -> None:
        (event,) = await ledger.append([said(1.0)])

        assert 0 < event.time_ns

    async def test_reading_selects(self, ledger: WholeLedger) -> None:
        await ledger.append([opened(), said(0.1, "a"), started("a"), said(0.2, "b"), started("b"), opened()])

        def seqs(**selection: Any) -> list[int]:
            return [event.seq for event in ledger.read(**selection)]

        assert [1, 2, 3, 4, 5, 6] == seqs()
        assert [5, 6] == seqs(after=4)
        assert [2, 3] == seqs(request_id="a")
        assert [1, 6] == seqs(request_id="")
        assert [2, 4] == seqs(kinds=("feedback",))
        assert [1, 2, 4, 6] == seqs(kinds=("feedback", "market"))
        assert [4] == seqs(kinds=("feedback", "market"), request_id="b")
        assert [4, 6] == seqs(kinds=("market", "feedback"), after=2)
        assert [1, 2] == seqs(limit=2)
        assert [] == seqs(kinds=("award",))
        assert [] == seqs(after=6)

    async def test_reading_ends_where_the_ledger_ended_when_it_began(self, ledger: WholeLedger) -> None:
        await ledger.append([opened(), opened()])
        reading = ledger.read()
        first = next(reading)
        await ledger.append([opened()])

        assert [1, 2] == [first.seq, *(event.seq for event in reading)]

    async def test_bodies_lie_beside_the_event(self, ledger: WholeLedger) -> None:
        bodies = (Body(name="input", content=b"\x00hello", subjects=("b@x", "a@x")), Body(name="empty", content=b""))

        (event,) = await ledger.append([Entry(payload=opened().payload, bodies=bodies)])
        (read,) = ledger.read()

        assert event == read
        assert ["input", "empty"] == [one.name for one in event.bodies]
        assert [b"\x00hello", b""] == [ledger.body(one) for one in event.bodies]

    async def test_equal_bodies_have_different_commitments(self, ledger: WholeLedger) -> None:
        body = Body(name="input", content=b"yes")

        (event,) = await ledger.append([Entry(payload=opened().payload, bodies=(body, body))])

        assert event.bodies[0].mac != event.bodies[1].mac

    async def test_blobs_are_found_by_content(self, ledger: WholeLedger) -> None:
        entry = Entry(payload=opened().payload, blobs=(b"slate", b"table"))
        await ledger.append([entry, entry])

        assert b"slate" == ledger.blob(content_id(b"slate"))
        assert b"table" == ledger.blob(content_id(b"table"))

    @pytest.mark.parametrize("name", [content_id(b"nowhere"), "", "not hex"])
    async def test_an_unknown_blob_is_not_found(self, ledger: WholeLedger, name: str) -> None:
        with pytest.raises(NotFound):
            ledger.blob(name)

    async def test_nothing_appended_is_nothing_written(self, ledger: WholeLedger) -> None:
        assert () == await ledger.append([])
        assert 0 == ledger.head()

    async def test_what_json_cannot_hold_is_refused_and_nothing_is_written(self, ledger: WholeLedger) -> None:
        with pytest.raises(ValueError, match="surrogates"):
            await ledger.append([opened(), opened("\ud800")])
        with pytest.raises(ValueError, match="surrogates"):
            await ledger.append([said(1.0, request_id="\ud800")])

        assert 0 == ledger.head()

    @pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
    async def test_a_number_that_could_not_be_read_again_is_refused(self, ledger: WholeLedger, value: float) -> None:
        with pytest.raises(ValueError, match=r"valid number|NaN"):
            await ledger.append([said(value)])

        assert 0 == ledger.head()

    @pytest.mark.parametrize("wrong", [{"time_ns": 1 << 63}, {"time_ns": -(1 << 63) - 1}, {"round": 1 << 63}])
    async def test_a_number_beyond_64_bits_is_refused(self, ledger: WholeLedger, wrong: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match="64 bits"):
            await ledger.append([said(1.0, **wrong)])

    async def test_a_body_needs_named_subjects(self, ledger: WholeLedger) -> None:
        with pytest.raises(ValueError, match="name"):
            await ledger.append(
                [Entry(payload=opened().payload, bodies=(Body(name="b", content=b"", subjects=("",)),))]
            )

    async def test_the_subjects_of_a_body_may_be_those_of_another(self, ledger: WholeLedger) -> None:
        bodies = (Body(name="a", content=b"", subjects=("b@x", "a@x", "b@x")), Body(name="b", content=b""))
        (event,) = await ledger.append([Entry(payload=opened().payload, bodies=bodies)])
        both, nobody = (ledger.subjects(one) for one in event.bodies)
        again = Body(name="a", content=b"", subjects=both)

        (later,) = await ledger.append([Entry(payload=opened().payload, bodies=(again,))])

        assert ((), both) == (nobody, ledger.subjects(later.bodies[0]))
        assert 2 == len(both)

    async def test_a_thing_that_is_no_record_is_refused(self, ledger: WholeLedger) -> None:
        nothing: Any = "words"
        with pytest.raises(TypeError):
            await ledger.append([Entry(payload=nothing)])

    async def test_a_follower_has_seen_an_event_when_its_append_returns(self, ledger: WholeLedger) -> None:
        seen: list[Event] = []
        ledger.follow(seen.extend)

        events = await ledger.append([opened(), opened()])

        assert list(events) == seen

    async def test_a_follower_may_begin_in_the_past(self, ledger: WholeLedger) -> None:
        await ledger.append([opened(), opened()])
        all_of_it: list[int] = []
        rest: list[int] = []
        new: list[int] = []

        def into(seqs: list[int]) -> Follower:
            return lambda events: seqs.extend(event.seq for event in events)

        ledger.follow(into(all_of_it), after=0)
        ledger.follow(into(rest), after=1)
        ledger.follow(into(new))
        assert ([1, 2], [2], []) == (all_of_it, rest, new)
        await ledger.append([opened()])

        assert ([1, 2, 3], [2, 3], [3]) == (all_of_it, rest, new)

    async def test_a_follower_can_stop(self, ledger: WholeLedger) -> None:
        seen: list[Event] = []
        stop = ledger.follow(seen.extend)
        stop()
        stop()

        await ledger.append([opened()])

        assert [] == seen

    async def test_a_followers_failure_loses_no_acknowledgement(
        self, ledger: WholeLedger, failures: Sequence[BaseException]
    ) -> None:
        def fail(events: Sequence[Event]) -> None:
            raise RuntimeError("follower")

        seen: list[Event] = []
        ledger.follow(fail)
        ledger.follow(seen.extend)

        events = await ledger.append([opened()])

        assert list(events) == seen
        assert ["follower"] == [str(one) for one in failures]

    async def test_spending_adds_up_by_day(self, ledger: WholeLedger) -> None:
        await ledger.append([started()], spend=Spend(day=DAY, change=70))
        await ledger.append([started()], spend=Spend(day=DAY, change=-20))
        await ledger.append([started()], spend=Spend(day="2026-11-25", change=1))

        assert (50, 1, 0) == (ledger.spent(DAY), ledger.spent("2026-11-25"), ledger.spent("2026-11-26"))

    async def test_spending_above_the_cap_writes_nothing(self, ledger: WholeLedger) -> None:
        assert 1 == len(await ledger.append([started()], spend=Spend(day=DAY, change=60, cap=100)))
        assert () == await ledger.append([started()], spend=Spend(day=DAY, change=41, cap=100))
        assert 1 == len(await ledger.append([started()], spend=Spend(day=DAY, change=40, cap=100)))

        assert (100, 2) == (ledger.spent(DAY), ledger.head())

    async def test_a_tasks_part_of_a_day_has_a_cap_of_its_own(self, ledger: WholeLedger) -> None:
        def spam(change: int) -> Spend:
            return Spend(day=DAY, change=change, cap=100, task="spam", task_cap=30)

        assert 1 == len(await ledger.append([started()], spend=spam(30)))
        assert () == await ledger.append([started()], spend=spam(1))
        assert 1 == len(await ledger.append([started()], spend=Spend(day=DAY, change=60, cap=100, task="other")))
        assert 1 == len(await ledger.append([started()], spend=spam(-10)))
        assert () == await ledger.append([started()], spend=spam(21))  # within the task's, beyond the day's

        assert (80, 20, 60) == (ledger.spent(DAY), ledger.spent(DAY, "spam"), ledger.spent(DAY, "other"))

    async def test_a_purse_has_a_cap_of_its_own_on_each_day(self, ledger: WholeLedger) -> None:
        def purse(change: int, day: str = DAY) -> Spend:
            return Spend(day=day, change=change, cap=100, task="spam", purses=(("key a", 30),))

        assert 1 == len(await ledger.append([started()], spend=purse(30)))
        assert () == await ledger.append([started()], spend=purse(1))
        assert 1 == len(await ledger.append([started()], spend=purse(30, "2026-11-25")))
        assert (30, 30, 30) == (ledger.spent(DAY), ledger.spent(DAY, "spam"), ledger.spent(DAY, "key a"))

    async def test_a_meter_lets_so_many_through_and_says_how_long_the_next_waits(self, ledger: WholeLedger) -> None:
        waits = [await ledger.admit_at_rate("key a", per_minute=3) for _ in range(5)]

        assert [0, 0, 0] == waits[:3]
        assert all(0 < wait <= 20_000_000_000 for wait in waits[3:])
        assert 0 == await ledger.admit_at_rate("key b", per_minute=3)

    async def test_giving_back_is_allowed_above_the_cap(self, ledger: WholeLedger) -> None:
        await ledger.append([started()], spend=Spend(day=DAY, change=500))

        assert 1 == len(await ledger.append([started()], spend=Spend(day=DAY, change=-1, cap=100)))
        assert 499 == ledger.spent(DAY)

    async def test_spending_without_an_event_is_refused(self, ledger: WholeLedger) -> None:
        with pytest.raises(ValueError, match="with an event"):
            await ledger.append([], spend=Spend(day=DAY, change=1))

    async def test_a_request_is_claimed_once(self, ledger: WholeLedger) -> None:
        assert "new" == await ledger.claim("", "r", "f")
        assert "running" == await ledger.claim("", "r", "f")
        assert "conflict" == await ledger.claim("", "r", "another input")
        assert "new" == await ledger.claim("another tenant", "r", "another input")

    async def test_a_released_request_is_resumed_or_done(self, ledger: WholeLedger) -> None:
        await ledger.claim("", "r", "f")
        await ledger.release("", "r", done=False)
        assert "resumed" == await ledger.claim("", "r", "f")
        await ledger.release("", "r", done=True)

        assert "done" == await ledger.claim("", "r", "f")
        assert "conflict" == await ledger.claim("", "r", "g")

    async def test_a_request_with_an_outcome_is_done_even_if_it_was_given_back(self, ledger: WholeLedger) -> None:
        await ledger.claim("", "r", "f")
        await ledger.append([Entry(payload=OutcomeSettled(task="t", status="refused"), request_id="r")])
        await ledger.release("", "r", done=False)

        assert "done" == await ledger.claim("", "r", "f")

    async def test_releasing_what_was_never_claimed_changes_nothing(self, ledger: WholeLedger) -> None:
        await ledger.release("", "r", done=True)

        assert "new" == await ledger.claim("", "r", "f")

    async def test_the_secret_is_32_constant_bytes(self, ledger: WholeLedger) -> None:
        assert 32 == len(ledger.secret())
        assert ledger.secret() == ledger.secret()

    async def test_a_closed_ledger_takes_nothing(self, ledger: WholeLedger) -> None:
        await ledger.close()
        await ledger.close()

        with pytest.raises(CallerError):
            await ledger.append([opened()])
        with pytest.raises(CallerError):
            await ledger.claim("", "r", "f")
