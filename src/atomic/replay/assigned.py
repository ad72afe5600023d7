"""Draw again who was to answer each request, and decide again every change of it, as the ledger gives them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from atomic.belief.pairs import Standings
from atomic.protocols import History
from atomic.records.event import Event
from atomic.records.mode import ModeChanged, ModeStated
from atomic.records.request import RequestOpened
from atomic.rules.modes import Place, assign

_KINDS = ("mode", "moved", "request", "pair", "outcome", "feedback")


def assigned_differently(ledger: History, secret: bytes | None) -> Iterator[tuple[Event, str]]:
    """The requests that were assigned otherwise than chance and their task's standing say, and changes that the
    evidence does not give. Nothing where no mode was ever stated; without the secret only changes are decided again."""
    if next(iter(ledger.read(kinds=("mode",), limit=1)), None) is None:
        return
    standings = Standings()
    places: dict[tuple[str, int], Place] = {}
    for event in ledger.read(kinds=_KINDS):
        unexplained = len(standings.unexplained)
        standings.fold((event,))
        payload = event.payload
        if isinstance(payload, ModeStated | ModeChanged):
            if len(standings.unexplained) > unexplained:
                yield event, f"change {payload.number} of {payload.task}: not what the evidence gives"
            if (known := standings.tasks.get(payload.task)) is not None:
                places[payload.task, known.place.number] = known.place
        elif isinstance(payload, RequestOpened) and secret is not None and payload.assignment is not None:
            recorded = payload.assignment
            place = places.get((payload.task, recorded.number))
            if place is None:
                yield event, f"assigned by statement {recorded.number} of {payload.task}, which is not there"
                continue
            drawn = assign(place, secret, event.tenant, recorded.shadows or event.request_id)
            if recorded.shadows:
                drawn = replace(drawn, arm=drawn.other, shadows=recorded.shadows)
            if drawn != recorded:
                yield event, f"assigned to {recorded.arm} with {recorded.other or 'nobody'} beside it, drawn otherwise"
