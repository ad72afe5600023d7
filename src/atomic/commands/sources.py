"""`atomic sources`: who says how right answers were, how far they are believed, and what silence means."""

from __future__ import annotations

from itertools import islice

from atomic.commands.common import ConfigOption, JsonOption, LedgerOption, columns, print_json, reading, say

_CHUNK = 1_000
_WHO = ("who", "words", "compared", "reliable", "weight")
_TASK = ("task", "words", "asked", "heard if right", "heard if wrong")


def sources(json: JsonOption = False, config: ConfigOption = None, ledger: LedgerOption = None) -> None:
    """List who said how right answers were, and how far each is believed.

    A source whose words do not hold against those of better ones teaches less; at a coin's reliability, nothing. The
    second table says how often right and wrong answers are spoken of: where that differs, silence says something too.
    """
    from atomic.belief import Beliefs
    from atomic.erasure import fold

    beliefs = Beliefs()
    with reading(config, ledger) as opened:
        events = opened.read()
        while chunk := list(islice(events, _CHUNK)):
            fold(beliefs, chunk, opened)
    credit, heard = beliefs.credit, beliefs.hearing.heard
    who = [
        (
            name,
            f"{credit.words.get(name, 0.0):.0f}",
            f"{credit.records[name].total:.1f}" if name in credit.records else "0.0",
            f"{credit.reliability(name):.2f}",
            f"{credit.weight(name):.2f}",
        )
        for name in sorted({*credit.words, *credit.records})
    ]
    tasks = [
        (task, f"{one.right + one.wrong:.0f}", f"{one.asked:.0f}", *(f"{rate:.2f}" for rate in reversed(one.rates())))
        for task, one in sorted(heard.items())
    ]
    if json:
        print_json(
            {
                "sources": [dict(zip(_WHO, row, strict=True)) for row in who],
                "tasks": [dict(zip(_TASK, row, strict=True)) for row in tasks],
            }
        )
        return
    for line in (*columns([_WHO, *who]), "", *columns([_TASK, *tasks])):
        say(line)
