"""An export read back: its chain followed, its heads checked, and what it holds to be read like a ledger."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from atomic.errors import CallerError, NotFound, Tampered
from atomic.ledger.chain import ENVELOPE, GENESIS, event_of, link
from atomic.ledger.cipher import hmac_sha256
from atomic.ledger.heads import Head
from atomic.records.event import Commitment, Event
from atomic.records.imported import Origin


class Export:
    """The events and bodies of an export, held in memory; `origin` says whether all of it is as it was written.

    A body that is not there was erased, or left out. `subjects_by` names the key that the subjects' tokens were made
    with, by its SHA-256; "" where nothing is said of subjects.

    Raises CallerError for a file that is none, Tampered for an event that cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self._events: list[Event] = []
        self._of_request: dict[str, list[Event]] = {}
        self._bodies: dict[str, dict[str, Any]] = {}
        self._hashes: dict[int, bytes] = {0: GENESIS}
        self._heads: list[Head] = []
        self._sound = True
        self.subjects_by = ""
        try:
            with path.open("rb") as file:
                for number, line in enumerate(file, 1):
                    self._take(orjson.loads(line), f"{path}:{number}")
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise CallerError(f"{path} is no export of a ledger: {error}", hint="see `atomic ledger export`") from None
        self.origin = self._origin()

    @property
    def has_bodies(self) -> bool:
        """Whether it was made with bodies."""
        return bool(self._bodies)

    def _take(self, line: dict[str, Any], where: str) -> None:
        kind = line["type"]
        if kind == "subjects":
            self.subjects_by = line["by"]
        elif kind == "head":
            hexes = {name: bytes.fromhex(line[name]) for name in ("hash", "public_key", "signature")}
            self._heads.append(Head(seq=line["seq"], time_ns=line["time_ns"], **hexes))
        elif kind == "event":
            self._event(line)
        elif kind == "body":
            self._bodies[line["id"]] = line
        else:
            raise ValueError(f"{where}: a line of type {kind!r}")

    def _event(self, line: dict[str, Any]) -> None:
        envelope = [line[name] for name in ENVELOPE]
        payload, commitments = line["payload"].encode(), line["commitments"].encode()
        hash_ = link(self._hashes[len(self._events)], envelope, payload, commitments)
        event = event_of((*envelope, payload, commitments))
        self._sound &= event.seq == len(self._events) + 1 and hash_.hex() == line["hash"]
        self._hashes[len(self._events) + 1] = hash_
        self._events.append(event)
        self._of_request.setdefault(event.request_id, []).append(event)

    def _origin(self) -> Origin:
        keys = {head.public_key for head in self._heads}
        genuine = all(head.genuine and self._hashes.get(head.seq) == head.hash for head in self._heads)
        last = max(self._heads, key=lambda head: head.seq, default=None)
        return Origin(
            public_key=last.public_key.hex() if last else "",
            seq=last.seq if last else 0,
            hash=last.hash.hex() if last else "",
            time_ns=last.time_ns if last else 0,
            signature=last.signature.hex() if last else "",
            read_to=len(self._events),
            sound=self._sound and genuine and len(keys) == 1,
        )

    def read(
        self, *, after: int = 0, request_id: str | None = None, kinds: Sequence[str] = (), limit: int | None = None
    ) -> Iterator[Event]:
        """Events with seq > after, in order."""
        events = self._events if request_id is None else self._of_request.get(request_id, [])
        return islice((one for one in events if one.seq > after and (not kinds or one.kind in kinds)), limit)

    def body(self, commitment: Commitment) -> bytes | None:
        """A body; None when it is not there. Raises Tampered when it is not what the chain committed to."""
        line = self._bodies.get(commitment.body_id)
        if line is None:
            return None
        try:
            content, key = base64.b64decode(line["bytes"], validate=True), bytes.fromhex(line["key"])
        except (ValueError, KeyError, TypeError):
            content, key = b"", b""
        if not hmac.compare_digest(hmac_sha256(key, content).hex(), commitment.mac):
            raise Tampered(f"body {commitment.body_id} ({commitment.name}) is not what the chain committed to")
        return content

    def subjects(self, commitment: Commitment) -> tuple[str, ...]:
        """The tokens of those whose data a body is."""
        return tuple(self._bodies.get(commitment.body_id, {}).get("subjects", ()))

    def blob(self, content_id: str) -> bytes:
        """Exports hold no contents. Raises NotFound."""
        raise NotFound(f"there is no content {content_id} in an export")
