"""The chain: how an event becomes bytes, and how each event's hash covers it and every event before it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import orjson

from atomic.errors import Tampered
from atomic.records.canonical import sorted_json
from atomic.records.event import Commitment, Event, decode_payload

GENESIS = bytes(32)  # what the first event is chained to
NO_BODIES = b"[]"

# The order of the columns and of what is hashed: never to change.
ENVELOPE = ("seq", "kind", "version", "tenant", "label", "request_id", "round", "time_ns")
COLUMNS = (*ENVELOPE, "payload", "commitments", "hash")


def link(previous: bytes, envelope: Sequence[str | int], payload: bytes, commitments: bytes) -> bytes:
    """The hash of an event: SHA-256 of the previous hash, then envelope, payload and commitments, each on a line.

    All three are canonical JSON and so hold no line feed: no byte can move from one to another unseen.

    >>> link(GENESIS, (1, "market", 1, "", "internal", "", 0, 0), b"{}", b"[]").hex()[:16]
    '0a77958ac83f7bc3'
    """
    return hashlib.sha256(b"%b%b\n%b\n%b" % (previous, orjson.dumps(envelope), payload, commitments)).digest()


def commitments_json(bodies: Sequence[Commitment]) -> bytes:
    """Commitments as canonical JSON: a list of [name, body id, mac]."""
    return sorted_json([(one.name, one.body_id, one.mac) for one in bodies]) if bodies else NO_BODIES


def commitments_of(content: bytes) -> tuple[Commitment, ...]:
    """The commitments that `commitments_json` wrote."""
    if content == NO_BODIES:
        return ()
    return tuple(Commitment(name=name, body_id=body, mac=mac) for name, body, mac in orjson.loads(content))


def event_of(row: Sequence[Any]) -> Event:
    """The event in a row of `COLUMNS`. Raises Tampered when this release cannot read it."""
    seq, kind, version, tenant, label, request_id, round_, time_ns, payload, commitments = row[:10]
    try:
        return Event(
            seq=seq,
            kind=kind,
            version=version,
            tenant=tenant,
            label=label,
            request_id=request_id,
            round=round_,
            time_ns=time_ns,
            payload=decode_payload(kind, version, payload),
            bodies=commitments_of(commitments),
        )
    except (ValueError, TypeError) as error:
        raise Tampered(
            f"event {seq} cannot be read: {error}", hint="run `atomic ledger verify`; see docs/ledger.md"
        ) from error
