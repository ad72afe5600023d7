"""invite: those who must be asked elsewhere before they can offer are asked, all at once and for a bounded time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from atomic.belief import Beliefs
from atomic.protocols import Invited
from atomic.records.microtask import Ask
from atomic.records.request import Terms
from atomic.stages.prepare import ineligible

LONGEST_SECONDS = 2.0
_SHARE = 4  # of the time that is left, at most this part goes to hearing what others would do


async def invite(ask: Ask, terms: Terms, invited: Sequence[Invited], beliefs: Beliefs, now_ns: int) -> None:
    """Let everybody who may take part learn of a request and make up its mind.

    Who may not see the input is not even told that there is one. Whoever is late has no offer at hand, and says so when
    it is collected; what it raises is its own loss.
    """
    wanted = [one for one in invited if _takes_part(one, ask, terms, beliefs, now_ns)]
    if not wanted or ask.time_left_ns <= 0:
        return
    asking = [asyncio.ensure_future(one.invite(ask)) for one in wanted]
    try:
        await asyncio.wait(asking, timeout=min(LONGEST_SECONDS, ask.time_left_ns / _SHARE / 1e9))
    finally:
        for one in asking:
            one.cancel()
            one.add_done_callback(lambda late: late.cancelled() or late.exception())


def _takes_part(one: Invited, ask: Ask, terms: Terms, beliefs: Beliefs, now_ns: int) -> bool:
    name = one.profile.name
    if terms.mandate:
        return terms.mandate.partition("+")[0] == name and ineligible(one.profile, ask, terms) is None
    return ineligible(one.profile, ask, terms) is None and beliefs.health(name).pause_left(now_ns) == 0
