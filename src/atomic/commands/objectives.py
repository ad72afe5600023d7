"""`atomic objectives`: how tasks with a target or a budget stand."""

from __future__ import annotations

import dataclasses
import time
from itertools import islice

from atomic.commands.common import ConfigOption, JsonOption, LedgerOption, print_json, reading, say

_CHUNK = 1_000


def objectives(json: JsonOption = False, config: ConfigOption = None, ledger: LedgerOption = None) -> None:
    """List tasks with a target or a budget, and how they stand.

    What was reached and on what evidence, at which worth answers are bought now, what is left of a budget, and whether
    a target can be attained at all. Settled are counted from the first request; the mean is of the last 1,000.
    """
    from atomic.belief import Beliefs
    from atomic.erasure import fold
    from atomic.progress import progress

    beliefs = Beliefs()
    with reading(config, ledger) as opened:
        events = opened.read()
        while chunk := list(islice(events, _CHUNK)):
            fold(beliefs, chunk, opened)
        found = progress(opened, beliefs, time.time_ns())
    if json:
        print_json([dataclasses.asdict(one) for one in found])
        return
    for one in found:
        say(one.text())
    if not found:
        say("No task was bought under a target or a budget.")
