"""Checks an audit bundle: python check.py FOLDER [--key PUBLIC_KEY_IN_HEX]. Needs Python alone, not Atomic, no network.

Exit 0: every byte is as it was written and signed. Exit 1: it is not; each problem has a line. The signer's key must
reach you by another way than the bundle: give it as --key, or compare the one that is printed.
"""

import base64
import hashlib
import hmac
import json
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ENVELOPE = ("seq", "kind", "version", "tenant", "label", "request_id", "round", "time_ns")
KEPT = {
    "award": ("chosen", "propensity", "standing", "slate", "table"),
    "finished": ("bidder", "tactic", "reason", "group", "price"),
}
LABELS = ("public", "internal", "confidential", "sovereign")

# --- Ed25519 (RFC 8032): points of the curve -x^2 + y^2 = 1 + D x^2 y^2 over the integers modulo P, as (X, Y, Z, T)
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
Point = tuple[int, int, int, int]


def _point(octets: bytes) -> Point:
    odd, y = divmod(int.from_bytes(octets, "little"), 1 << 255)
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    x = x if x * x % P == square else x * pow(2, (P - 1) // 4, P) % P
    if y >= P or x * x % P != square or (x == 0 and odd):
        raise ValueError("not a point of the curve")
    x = x if x & 1 == odd else P - x
    return x, y, 1, x * y % P


def _add(p: Point, q: Point) -> Point:
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def _times(factor: int, point: Point) -> Point:
    total: Point = (0, 1, 1, 0)
    while factor:
        total = _add(total, point) if factor & 1 else total
        point, factor = _add(point, point), factor >> 1
    return total


BASE = _point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def signed_by(key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether `signature` (64 bytes) over `message` is that of the public key (32 bytes)."""
    try:
        s = int.from_bytes(signature[32:], "little")
        if len(key) != 32 or len(signature) != 64 or s >= L:
            return False
        k = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % L
        left, right = _times(s, BASE), _add(_point(signature[:32]), _times(k, _point(key)))
    except ValueError:
        return False
    return all((left[i] * right[2] - right[i] * left[2]) % P == 0 for i in (0, 1))


def canonical(value: Any) -> bytes:
    """Sorted keys, no white space, UTF-8: the one spelling of a value that is hashed and signed."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def link(previous: bytes, event: dict[str, Any]) -> bytes:
    """The hash of an event: over the hash of the one before it, its envelope, its payload and its commitments."""
    envelope = canonical([event[name] for name in ENVELOPE])
    content = (envelope, event["payload"].encode(), event["commitments"].encode())
    return hashlib.sha256(previous + b"\n".join(content)).digest()


def mac_of(body: dict[str, Any]) -> str:
    """The commitment to a body, HMAC-SHA-256 under a key of its own."""
    return hmac.new(bytes.fromhex(body["key"]), base64.b64decode(body["bytes"]), "sha256").hexdigest()


def decisions(events: Iterable[dict[str, Any]], first: int, last: int) -> Iterator[dict[str, Any]]:
    """What was decided: a row for each request that ended with an event from `first` to `last`, made of its events."""
    open_: dict[tuple[str, str], dict[str, list[Any]]] = {}
    for event in events:
        kind, request = event["kind"], (event["tenant"], event["request_id"])
        if kind in KEPT:
            payload = json.loads(event["payload"])
            known = open_.setdefault(request, {"award": [], "finished": []})
            known[kind].append({name: payload.get(name) for name in KEPT[kind]})
        elif kind == "outcome":
            known = open_.pop(request, {"award": [], "finished": []})
            if first <= event["seq"] <= last:
                envelope = {name: event[name] for name in ("seq", "tenant", "request_id", "label", "time_ns")}
                outcome = json.loads(event["payload"])
                yield envelope | {"outcome": outcome, "rounds": known["award"], "attempts": known["finished"]}


def lines(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a file, one a line."""
    with path.open("rb") as file:
        yield from map(json.loads, file)


class Check:
    """One pass over a bundle."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.problems, self.told, self.span = folder, list[str](), dict[str, int](), "no time"

    def require(self, holds: bool, problem: str) -> None:
        """Note a problem unless something holds."""
        if not holds and len(self.problems) < 1_000:
            self.problems.append(problem)

    def manifest(self) -> dict[str, Any]:
        """The signed list of files, each of which is as it was."""
        signed, seal = ((self.folder / name).read_bytes() for name in ("manifest.json", "manifest.sig"))
        manifest: dict[str, Any] = json.loads(signed)
        signature = bytes.fromhex(seal.decode())
        genuine = signed_by(bytes.fromhex(manifest["public_key"]), signed, signature)
        self.require(genuine and seal.decode() == signature.hex(), "manifest.json is not what was signed")
        here = {str(path.relative_to(self.folder)) for path in self.folder.rglob("*")}
        for extra in sorted(here - set(manifest["files"]) - {"manifest.json", "manifest.sig"}):
            self.require(False, f"{extra} is not part of the bundle")
        for name, digest in manifest["files"].items():
            is_same = (path := self.folder / name).is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == digest
            self.require(is_same, f"{name} is missing or was changed")
        return manifest

    def events(self, manifest: dict[str, Any], contents: set[str], bodies: dict[str, dict[str, Any]]) -> None:
        """The chain from the head before the range to a head after it; what each event commits to and proves."""
        heads = {head["seq"]: head for head in lines(self.folder / "heads.jsonl")}
        for seq, head in heads.items():
            signed = canonical({name: head[name] for name in ("seq", "hash", "time_ns")})
            genuine = signed_by(bytes.fromhex(head["public_key"]), signed, bytes.fromhex(head["signature"]))
            self.require(genuine and head["public_key"] == manifest["public_key"], f"the head of #{seq} is not genuine")
        first = min(heads, default=0)
        seq, hash_ = first, bytes.fromhex(heads[first]["hash"]) if heads else bytes(32)
        self.require(first < manifest["first"] or not manifest["last"], "no head is before the first event")
        named, lacking = set[str](), 0
        for event in lines(self.folder / "events.jsonl"):
            hash_ = link(hash_, event)
            follows = event["seq"] == (seq := seq + 1) and hash_.hex() == event["hash"]
            self.require(follows, f"#{seq}: the event or its place was changed")
            self.require(seq not in heads or heads[seq]["hash"] == event["hash"], f"#{seq}: the head speaks of another")
            for name, body_id, mac in json.loads(event["commitments"]):
                body = bodies.pop(body_id, None)
                lacking += body is None
                self.require(body is None or mac_of(body) == mac, f"#{seq}: the body {name!r} is another")
            payload = json.loads(event["payload"]) if event["kind"] in {"award", "started"} else {}
            named |= {payload[name] for name in ("slate", "table") if name in payload}
            if cleared := payload.get("cleared"):  # None: an older release did not say
                may_see = LABELS.index(event["label"]) <= LABELS.index(cleared)
                self.require(may_see, f"#{seq}: {event['label']} data went to a bidder cleared for {cleared} only")
        self.require(seq == max(heads, default=0) and seq >= manifest["last"], "the last event is not sealed by a head")
        self.require(named == contents, "contents that awards name are missing, or others are there")
        self.require(not bodies, "there are bodies that no event committed to")
        self.told |= {"events": seq - first, "heads": len(heads), "contents": len(contents), "bodies not here": lacking}

    def run(self) -> str:
        """Check everything; returns the signer's public key."""
        manifest = self.manifest()
        contents = {hashlib.sha256(one["text"].encode()).hexdigest() for one in lines(self.folder / "contents.jsonl")}
        self.events(manifest, contents, {one["id"]: one for one in lines(self.folder / "bodies.jsonl")})
        stated = list(lines(self.folder / "decisions.jsonl"))
        found = list(decisions(lines(self.folder / "events.jsonl"), manifest["first"], manifest["last"]))
        self.require(found == stated, "decisions.jsonl is not what the events say")
        self.told["decisions"], ends = len(stated), {manifest["first"], manifest["last"]}
        times = (event["time_ns"] / 1e9 for event in lines(self.folder / "events.jsonl") if event["seq"] in ends)
        self.span = " to ".join(f"{datetime.fromtimestamp(one, UTC):%Y-%m-%d %H:%M:%S}" for one in times)
        return str(manifest["public_key"])


def main(arguments: list[str]) -> int:
    """Check the bundle that the arguments name, and print what was found."""
    if len(arguments) not in {1, 3} or arguments[1:2] not in ([], ["--key"]):
        sys.exit(__doc__)
    check, key = Check(Path(arguments[0])), "nobody"
    try:
        key = check.run()
        check.require(arguments[2:] in ([], [key]), "it is not signed by your key")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        check.problems.append(f"it cannot be read: {error!r}")
    counts = ", ".join(f"{count} {what}" for what, count in check.told.items()) + f"; {check.span} UTC"
    signer = f"signed by {key}" + ("" if arguments[2:] else ": compare it with the key that you were given")
    print("\n".join((*check.problems, counts, signer, "NOT AS IT WAS WRITTEN" if check.problems else "verified")))
    return 1 if check.problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
