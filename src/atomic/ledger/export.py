"""Exporting: the ledger as plain lines, with all that an outsider needs to check it without us."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from atomic.ledger.chain import COLUMNS, ENVELOPE, NO_BODIES, commitments_of
from atomic.ledger.cipher import ERASED, decrypted, record_key
from atomic.ledger.failures import explained
from atomic.ledger.keys import Keys, keys_path
from atomic.ledger.schema import connect_to_read
from atomic.ledger.sealing import head_in

_EVENTS = f"SELECT {','.join(COLUMNS)} FROM event WHERE seq > ? AND seq <= ? ORDER BY seq"
_HEADS = "SELECT seq, hash, time_ns, public_key, signature FROM checkpoint WHERE seq BETWEEN ? AND ? ORDER BY seq"
_END = (1 << 63) - 1
_SUBJECTS = "SELECT subject FROM body_subject WHERE body_id = ?"
_BODY = "SELECT key_id, cipher, bytes FROM body WHERE id = ?"


def export(path: str | Path, *, bodies: bool = False, after: int = 0, upto: int = _END) -> Iterator[dict[str, Any]]:
    """The ledger's heads, then its events in order, as objects that JSON can hold; those after one head, up to another.

    An event's `payload` and `commitments` are the very text that was hashed. With `bodies`, each event is followed
    by its bodies (base64), the tokens of those whose data each is, and the key that its commitment was made with, which
    opens no other body; one that was erased is left out. docs/ledger.md says how to check the lines.

    Raises LedgerUnwritable when there is no ledger at `path`.
    """
    path = Path(path)
    try:
        connection = connect_to_read(path)
        keys = Keys(keys_path(path), read_only=True) if bodies else None
    except Exception as error:  # of storage or not: `explained` tells
        raise explained(error, path) from error
    try:
        connection.execute("BEGIN")  # one snapshot
        if keys is not None:
            yield {"type": "subjects", "by": keys.index_name}
        for row in connection.execute(_HEADS, (after, upto)):
            head = head_in(row)
            yield {
                "type": "head",
                "seq": head.seq,
                "hash": head.hash.hex(),
                "time_ns": head.time_ns,
                "public_key": head.public_key.hex(),
                "signature": head.signature.hex(),
            }
        for *envelope, payload, commitments, hash_ in connection.execute(_EVENTS, (after, upto)):
            yield {
                "type": "event",
                **dict(zip(ENVELOPE, envelope, strict=True)),
                "payload": payload.decode(),
                "commitments": commitments.decode(),
                "hash": hash_.hex(),
            }
            for one in commitments_of(commitments) if keys is not None and commitments != NO_BODIES else ():
                row = connection.execute(_BODY, (int(one.body_id),)).fetchone()
                parts = keys.by_ids(row[0]) if row and row[1] != ERASED and keys is not None else None
                if parts is not None:
                    content = base64.b64encode(decrypted(row[1], parts, one.body_id, row[2])).decode()
                    key = record_key(parts, one.body_id).hex()
                    subjects = sorted(str(token) for (token,) in connection.execute(_SUBJECTS, (int(one.body_id),)))
                    yield {
                        "type": "body",
                        "id": one.body_id,
                        "name": one.name,
                        "key": key,
                        "bytes": content,
                        "subjects": subjects,
                    }
    finally:
        connection.close()
        if keys is not None:
            keys.close()
