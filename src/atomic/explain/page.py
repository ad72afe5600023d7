"""An explanation as one HTML file: no script, nothing from outside, a content security policy that forbids both.

Everything that was recorded is escaped. Colours follow the reader's system; it prints on paper, and reads on a phone.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator

from atomic.explain.escaping import escaped
from atomic.explain.explained import AttemptTold, Explained, RoundTold, Settled
from atomic.explain.picture import MOST, best_first, picture, sureness
from atomic.explain.style import STYLE
from atomic.explain.telling import (
    asked_told,
    attempt_told,
    cost_told,
    decision_told,
    grounds_told,
    hedge_told,
    margins_told,
    no_bids_told,
    otherwise_told,
    source_told,
    words_told,
)
from atomic.explain.wording import lasting, shortened, spent_on
from atomic.records.money import dollars

_KEYS = (
    ("bought", "bought"),
    ("considered", "considered"),
    ("other", "no candidate"),
    ("spread", "± spread"),
    ("claim", "claimed, by itself or from the text"),
    ("score", "score, the best as 1"),
)


def page(told: Explained) -> str:
    """The story as a whole HTML document."""
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    title = escaped(f"{told.asked.task}: why it was decided so")
    rounds = "".join("".join(_round(one)) for one in told.rounds)
    became = sureness(told.rounds)
    became = f"<section><h2>How sure it became</h2>{became}</section>" if became else ""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="referrer" content="no-referrer"><meta name="color-scheme" content="light dark">'
        f"<title>{title}</title><style>{STYLE}</style></head><body><main>"
        f"{_head(told)}{became}{rounds}{''.join(_end(told))}</main></body></html>\n"
    )


def _head(told: Explained) -> str:
    settled = told.outcome
    facts = list(_facts(told, settled))
    cells = "".join(f"<div><dt>{escaped(name)}</dt><dd>{escaped(value)}</dd></div>" for name, value in facts)
    kind = "open" if settled is None else settled.status
    return (
        f'<header class="{kind}"><p class="task"><bdi>{escaped(told.asked.task)}</bdi></p>'
        f"<h1><bdi>{escaped(_headline(settled))}</bdi></h1>"
        f"<dl>{cells}</dl><p>{escaped(_why(told))}</p>{_lines(asked_told(told), 'quiet')}</header>"
    )


def _headline(settled: Settled | None) -> str:
    if settled is None:
        return "No outcome yet"
    return "Refused" if settled.status == "refused" else shortened(settled.answer_state, settled.answer)


def _why(told: Explained) -> str:
    """What the figures do not say."""
    settled = told.outcome
    if settled is None or settled.status == "refused":
        return decision_told(told)
    return f"Evidence: {source_told(settled)}."


def _facts(told: Explained, settled: Settled | None) -> Iterator[tuple[str, str]]:
    if settled is not None:
        if settled.status == "answered":
            yield "right with", f"{settled.probability:.3f}"
            yield "from", settled.winner
        yield "cost", dollars(settled.cost)
        yield "took", lasting(settled.latency_ns)
        yield "rounds", str(settled.rounds)
    yield "worth", told.asked.worth_told


def _round(one: RoundTold) -> Iterator[str]:
    yield f"<section><h2>Round {one.number}: {escaped(spent_on(one.chosen))}</h2>"
    hand = (
        "No answer in hand"
        if one.standing_group is None
        else f"Answer {one.standing_group} in hand, right with probability {one.standing:.3f}"
    )
    yield f"<p>{escaped(hand)}; {_counted(len(one.bids), 'bid')}, {_counted(len(one.no_bids), 'no-bid')}.</p>"
    yield _lines(margins_told(one))
    if drawn := picture(one):
        held = one.standing_group is not None
        standing = '<span class="entry"><span class="key standing"></span>answer in hand</span>' if held else ""
        keys = "".join(f'<span class="entry"><span class="key {kind}"></span>{words}</span> ' for kind, words in _KEYS)
        yield f"<figure>{drawn}<figcaption>Length: probability of being right. {keys}{standing}</figcaption></figure>"
    if len(one.bids) > MOST:
        yield f"<p>And {len(one.bids) - MOST} bids more.</p>"
    yield _lines(hedge_told(hedge) for hedge in one.hedges)
    yield from (_attempt(attempt) for attempt in one.attempts)
    yield _folded("What would have changed it", otherwise_told(one), shown=one.number == 1)
    grounds = [f"{bid.key}: {_score(bid.score)}; {grounds_told(bid.grounds)}" for bid in best_first(one)]
    yield _folded("Where the probabilities come from", grounds)
    yield _folded("Who did not bid", list(no_bids_told(one))[1:])
    yield "</section>"


def _attempt(one: AttemptTold) -> str:
    return f'<p class="attempt {one.status}"><bdi>{escaped(attempt_told(one))}</bdi></p>'


def _score(score: int | None) -> str:
    return "no candidate" if score is None else f"score {dollars(score)} over settling"


def _end(told: Explained) -> Iterator[str]:
    yield "<section><h2>Since then</h2>"
    yield _lines([*cost_told(told), *words_told(told)])
    for one in told.rounds:
        yield (
            f'<p class="quiet">Round {one.number} was event {one.seq}, by rules {escaped(one.rules_version)}, with '
            f"beliefs as of event {one.beliefs_seq}; slate <code>{escaped(one.slate[:16])}</code>, table "
            f"<code>{escaped(one.table[:16])}</code>.</p>"
        )
    yield "</section>"


def _folded(title: str, lines: Iterable[str], *, shown: bool = False) -> str:
    items = "".join(f"<li><bdi>{escaped(line.strip())}</bdi></li>" for line in lines)
    return f"<details{' open' if shown else ''}><summary>{title}</summary><ul>{items}</ul></details>" if items else ""


def _lines(lines: Iterable[str], kind: str = "") -> str:
    attribute = f' class="{kind}"' if kind else ""
    return "".join(f"<p{attribute}><bdi>{escaped(line)}</bdi></p>" for line in lines)


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
