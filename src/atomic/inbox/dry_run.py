"""What a run would do, without doing it: nothing is bought, recorded or written."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from atomic.inbox.actions import Actions
from atomic.inbox.handler import DRAFT, Judging, earlier, needed, request_id, trade_for
from atomic.inbox.mail import Mail, parse
from atomic.inbox.places import place_for
from atomic.inbox.policy import conditions
from atomic.inbox.policy_settings import InboxSettings
from atomic.inbox.run import next_wanted
from atomic.inbox.source import Skipped, read_mailbox
from atomic.inbox.tasks import TASKS, Letter
from atomic.market import Market
from atomic.records.money import dollars


async def foresee(market: Market, root: Path, out: Path, settings: InboxSettings) -> AsyncIterator[str]:
    """Lines that say, for each mail, what would first be bought from whom and for how much, and what could follow.

    What was settled before is taken from the ledger; whatever depends on an answer nobody has yet is said as such.
    """
    for line in _rules(settings):
        yield line
    actions = Actions(market, place_for(root, out), settings)
    actions.load()
    items, mails, price = read_mailbox(root), 0, 0
    while (item := await asyncio.to_thread(next_wanted, items, actions, out)) is not None:
        if isinstance(item, Skipped):
            continue
        mail = await asyncio.to_thread(parse, item.raw)
        words, expected = await _first(market, mail, settings)
        mails, price = mails + 1, price + expected
        yield f"{item.path.name}: {mail.subject[:50]!r}: {words}"
    yield f"{mails} mails; the first purchases would cost {dollars(price)}. Nothing was bought, tagged or moved."


def _rules(settings: InboxSettings) -> Iterator[str]:
    for number, rule in enumerate(settings.rules, start=1):
        when = " and ".join(f"{name} is {value}" for name, value in conditions(rule.when).items())
        do = ", ".join(
            f"{action} {target} ({getattr(settings.autonomy, action)})"
            for action, target in rule.do.model_dump(exclude_none=True).items()
        )
        yield f"rule {number}: when {when}: {do}"


async def _first(market: Market, mail: Mail, settings: InboxSettings) -> tuple[str, int]:
    """What would happen first to a mail, and the price expected of it in nano-USD."""
    judging = Judging(market, mail, settings)
    asked = needed(settings)
    known = {
        name: await judging.buy(name)
        for name in (*asked, DRAFT)
        if earlier(market.ledger, request_id(mail.sha256, name))[0]
    }
    if "spam" in known and known["spam"].value != "ham":
        asked, known = (), {"spam": known["spam"]}  # whatever else was asked while it was thought to be none
    left = [name for name in asked if name not in known and (name != "needs_reply" or not judging.no_reply)]
    if not left:
        decided = ", ".join(f"{one.words} ({one.mode})" for one in judging.decisions(known)) or "nothing"
        return f"settled before; would {decided}", 0
    first = left[:1] if left[0] == "spam" else left
    parts, price = [], 0
    for name in first:
        slate, award = market.preview(TASKS[name](Letter.of(mail)), trade_for(mail, name, settings))
        bids = {bid.key: bid for bid in slate.bids}
        price += sum(bids[key].price for key in award.chosen)
        parts.append(
            f"{name}: "
            + (
                " and ".join(
                    f"{key} for {dollars(bids[key].price)} (right {bids[key].probability:.2f})" for key in award.chosen
                )
                or "no bid is worth its price"
            )
        )
    then = "" if first == left else f"; then, unless it is spam: {', '.join(left[1:])}"
    machine = f"; no reply: {judging.no_reply}" if judging.no_reply else ""
    return f"would ask {'; '.join(parts)}{then}{machine}", price
