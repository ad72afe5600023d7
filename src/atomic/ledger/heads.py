"""Heads: signed statements of where the chain stood, kept in the ledger and, as lines, in a file outside of it."""

from __future__ import annotations

import fcntl
import operator
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import orjson

from atomic.records.canonical import sorted_json

_TAIL = 64 * 1024  # far more than one line


def heads_path(ledger: Path) -> Path:
    """Where the lines of a ledger lie."""
    return ledger.with_name(ledger.name + ".heads")


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The chain had this hash at this seq; signed with Ed25519 (RFC 8032)."""

    seq: int
    hash: bytes
    time_ns: int
    public_key: bytes
    signature: bytes

    @property
    def line(self) -> bytes:
        """The head as one line of canonical JSON."""
        named = {"public_key": self.public_key.hex(), "signature": self.signature.hex()}
        return sorted_json({**_signed(self.seq, self.hash, self.time_ns), **named}) + b"\n"

    @property
    def genuine(self) -> bool:
        """Whether the signature is that of the public key named."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        try:
            key = Ed25519PublicKey.from_public_bytes(self.public_key)
            key.verify(self.signature, sorted_json(_signed(self.seq, self.hash, self.time_ns)))
        except (InvalidSignature, ValueError, TypeError):
            return False
        return True


def _signed(seq: int, hash_: bytes, time_ns: int) -> dict[str, object]:
    return {"seq": seq, "hash": hash_.hex(), "time_ns": time_ns}


def public_key_of(signing_key: bytes) -> bytes:
    """The public half, 32 bytes, of a signing key."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(signing_key).public_key().public_bytes_raw()


def signature_of(signing_key: bytes, content: bytes) -> bytes:
    """The Ed25519 signature, 64 bytes, over some content."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(signing_key).sign(content)


def sign(signing_key: bytes, seq: int, hash_: bytes, time_ns: int) -> Head:
    """A signed head.

    >>> sign(bytes(32), 0, bytes(32), 1).genuine
    True
    """
    signature = signature_of(signing_key, sorted_json(_signed(seq, hash_, time_ns)))
    return Head(seq=seq, hash=hash_, time_ns=time_ns, public_key=public_key_of(signing_key), signature=signature)


def last_head(ledger: Path) -> Head | None:
    """The last head that a ledger signed; None where there is none, or its lines cannot be read."""
    try:
        with heads_path(ledger).open("rb") as file:
            _, tail = _tail(file)
    except OSError:
        return None
    for line in reversed(tail[: tail.rfind(b"\n") + 1].splitlines()):
        try:
            return head_of(line)
        except ValueError:
            continue
    return None


def head_of(line: bytes) -> Head:
    """The head in a line. Raises ValueError when it is none."""
    try:
        found = orjson.loads(line)
        head = Head(
            seq=operator.index(found["seq"]),
            hash=bytes.fromhex(found["hash"]),
            time_ns=operator.index(found["time_ns"]),
            public_key=bytes.fromhex(found["public_key"]),
            signature=bytes.fromhex(found["signature"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError("not a head") from error
    if head.line != line.rstrip(b"\n") + b"\n":  # the same said in another way is a change, too
        raise ValueError("not a head")
    return head


def lines(path: Path, size: int) -> Iterator[bytes]:
    """The whole lines in the first `size` bytes; a last line without its end was cut by a crash and is left out."""
    with path.open("rb") as file:
        read = 0
        for line in file:
            read += len(line)
            if read > size or not line.endswith(b"\n"):
                return
            yield line


class Outside:
    """The file outside, to write to: as long as nobody touches it, a prefix of the heads in the ledger."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def last(self) -> int:
        """The seq of the last head outside; -1 when there is none."""
        try:
            with self._path.open("rb") as file:
                return _last(file)
        except FileNotFoundError:
            return -1

    def append(self, heads: Sequence[Head]) -> None:
        """Add those of `heads` that are not there yet, fsynced. Raises OSError; then none was added."""
        with self._path.open("a+b", buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # another process may be adding the same ones
            end = _whole(file)
            last = _last(file)
            new = b"".join(head.line for head in heads if head.seq > last)
            try:
                file.truncate(end)
                if new and file.write(new) != len(new):
                    raise OSError("the file of heads cannot grow: the disk is full")
                os.fsync(file.fileno())
            except OSError:
                file.truncate(end)
                raise


def _tail(file: BinaryIO) -> tuple[int, bytes]:
    size = file.seek(0, os.SEEK_END)
    start = file.seek(max(0, size - _TAIL))
    return start, file.read(_TAIL)


def _whole(file: BinaryIO) -> int:
    """Where the last whole line ends: a crash may have cut the one after it."""
    start, tail = _tail(file)
    return start + tail.rfind(b"\n") + 1


def _last(file: BinaryIO) -> int:
    _, tail = _tail(file)
    for line in reversed(tail[: tail.rfind(b"\n") + 1].splitlines()):
        try:
            return head_of(line).seq
        except ValueError:
            continue
    return -1
