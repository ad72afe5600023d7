"""Lists of requests and mails: the same, filtered and paged, as a reading of the whole ledger gives."""

from __future__ import annotations

from itertools import product

import pytest

from atomic.ledger import MemoryLedger
from atomic.listing import Listing, Wanted, backwards
from atomic.records.event import Entry, Payload
from atomic.records.outcome import OutcomeSettled
from atomic.records.request import RequestOpened, Terms

IDS = ("m1/spam", "m1/mood", "x7", "m2/spam", "m1/draft", "x77")


def opened(task: str) -> RequestOpened:
    terms = Terms(worth=1, max_price=1)
    return RequestOpened(task=task, task_version="1", domain="", labels=(), terms=terms)


def settled(task: str, winner: str) -> OutcomeSettled:
    return OutcomeSettled(task=task, status="answered" if winner else "refused", winner=winner)


async def followed() -> tuple[MemoryLedger, Listing]:
    ledger, listing = MemoryLedger(), Listing()
    ledger.follow(listing.follow)

    async def say(payload: Payload, name: str, tenant: str = "") -> None:
        await ledger.append([Entry(payload=payload, request_id=name, tenant=tenant)])

    for number, name in enumerate(IDS):
        await say(opened(f"task{number % 2}"), name)
        await say(opened("task0"), name, "acme")
        if number < 4:
            await say(settled(f"task{number % 2}", ("a+plain", "a+labels", "b+plain", "")[number]), name)
    return ledger, listing


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        (Wanted(), ["x77", "m1/draft", "m2/spam", "x7", "m1/mood", "m1/spam"]),
        (Wanted(search="7"), ["x77", "x7"]),
        (Wanted(task="task1"), ["x77", "m2/spam", "m1/mood"]),
        (Wanted(status="refused"), ["m2/spam"]),
        (Wanted(status="open"), ["x77", "m1/draft"]),
        (Wanted(bidder="a"), ["m1/mood", "m1/spam"]),
        (Wanted(bidder="a+labels"), ["m1/mood"]),
        (Wanted(status="answered", task="task0", search="x"), ["x7"]),
        (Wanted(search="nowhere"), []),
    ],
)
async def test_requests_are_listed_newest_first_as_asked_for(wanted: Wanted, names: list[str]) -> None:
    ledger, listing = await followed()
    found = [next(ledger.read(after=seq - 1, limit=1)) for seq in listing.requests("", wanted)]
    assert [one.request_id for one in found] == names


async def test_pages_follow_one_another_without_gaps_and_repeats() -> None:
    _, listing = await followed()
    whole, paged, before = list(listing.requests("", Wanted())), list[int](), 0
    while page := list(listing.requests("", Wanted(), before=before))[:2]:
        paged += page
        before = page[-1]
    assert paged == whole


async def test_a_tenant_sees_no_others_requests() -> None:
    _, listing = await followed()
    both = [set(listing.requests(tenant, Wanted())) for tenant in ("", "acme")]
    assert (len(both[0]), len(both[1]), both[0] & both[1]) == (6, 6, set())


async def test_a_mail_is_where_its_newest_request_is() -> None:
    _, listing = await followed()
    mails = [(mail, len(seqs)) for mail, seqs in listing.mails("")]
    assert mails == [("m1", 3), ("m2", 1)]
    ((first, *_),) = [seqs for mail, seqs in listing.mails("") if mail == "m2"]
    assert [mail for mail, _ in listing.mails("", before=first + 1)] == ["m2"]


@pytest.mark.parametrize(("kind", "before"), list(product(("request", "outcome"), (0, 9))))
async def test_a_ledger_is_read_backwards_as_forwards(kind: str, before: int) -> None:
    ledger, _ = await followed()
    forwards = [one.seq for one in ledger.read(kinds=(kind,)) if not before or one.seq < before]
    assert [one.seq for one in backwards(ledger, (kind,), before)] == forwards[::-1]


async def test_mails_are_read_as_they_were_while_others_come() -> None:
    ledger, listing = await followed()
    reading = listing.mails("")
    first, _ = next(reading)
    await ledger.append([Entry(payload=opened("task0"), request_id=name) for name in ("m2/late", "m3/spam")])
    assert [first, *(mail for mail, _ in reading)] == ["m1", "m2"]
    assert [mail for mail, _ in listing.mails("")] == ["m3", "m2", "m1"]
