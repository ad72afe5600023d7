"""Events: everything that happened, in order. Every record is appended as one; nothing is ever changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from atomic.records.attempt import AttemptFinished, AttemptStarted
from atomic.records.award import Award
from atomic.records.canonical import sorted_json
from atomic.records.erasure import BeliefsRebased, BodiesErased
from atomic.records.hedge import Hedged
from atomic.records.imported import AnswersImported
from atomic.records.key import KeyIssued, KeyRevoked
from atomic.records.lesson import BidderChanged, ExampleRetired, FeedbackGiven, LessonsLearned, VariantDecided
from atomic.records.mode import ModeChanged, ModeStated, PairMade
from atomic.records.outcome import ActionDone, ActionIntended, MarketOpened, OutcomeSettled
from atomic.records.price import PricesChanged
from atomic.records.question import QuestionAnswered, QuestionAsked, QuestionLapsed, QuestionTaken
from atomic.records.request import DataLabel, RequestOpened
from atomic.records.responses import ModelFitted
from atomic.records.tested import CasesPlayed

SCHEMA_VERSION = 1

Payload = (
    MarketOpened
    | PricesChanged
    | AnswersImported
    | RequestOpened
    | Award
    | Hedged
    | AttemptStarted
    | AttemptFinished
    | OutcomeSettled
    | FeedbackGiven
    | LessonsLearned
    | BidderChanged
    | ExampleRetired
    | VariantDecided
    | ModelFitted
    | ActionIntended
    | ActionDone
    | QuestionAsked
    | QuestionTaken
    | QuestionAnswered
    | QuestionLapsed
    | BodiesErased
    | BeliefsRebased
    | ModeStated
    | ModeChanged
    | PairMade
    | KeyIssued
    | KeyRevoked
    | CasesPlayed
)

KINDS: dict[str, type[Any]] = {
    "erased": BodiesErased,
    "rebased": BeliefsRebased,
    "market": MarketOpened,
    "prices": PricesChanged,
    "imported": AnswersImported,
    "request": RequestOpened,
    "award": Award,
    "hedged": Hedged,
    "started": AttemptStarted,
    "finished": AttemptFinished,
    "outcome": OutcomeSettled,
    "feedback": FeedbackGiven,
    "lessons": LessonsLearned,
    "changed": BidderChanged,
    "retired": ExampleRetired,
    "decided": VariantDecided,
    "fitted": ModelFitted,
    "intended": ActionIntended,
    "action": ActionDone,
    "asked": QuestionAsked,
    "taken": QuestionTaken,
    "answered": QuestionAnswered,
    "lapsed": QuestionLapsed,
    "mode": ModeStated,
    "moved": ModeChanged,
    "pair": PairMade,
    "key": KeyIssued,
    "revoked": KeyRevoked,
    "tested": CasesPlayed,
}
KIND_OF: dict[type[Any], str] = {record: kind for kind, record in KINDS.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """Content kept apart from the chain: the chain holds only a commitment to it."""

    name: str
    content: bytes
    subjects: tuple[str, ...] = ()  # whose data it is; erasing any one of them erases the body


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A record on its way into the ledger: no seq yet. `blobs` are contents that the record names by content id."""

    payload: Payload
    request_id: str = ""
    round: int = 0
    tenant: str = ""
    label: DataLabel = "internal"
    time_ns: int = 0
    bodies: tuple[Body, ...] = ()
    blobs: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Commitment:
    """Where a body lies and the HMAC-SHA-256 (hex) that proves it unchanged."""

    name: str
    body_id: str
    mac: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A record in the ledger. `seq` counts from 1 without gaps; `version` is the schema its payload was written in."""

    seq: int
    kind: str
    version: int
    tenant: str
    label: DataLabel
    request_id: str
    round: int
    time_ns: int
    payload: Payload
    bodies: tuple[Commitment, ...] = ()


_ADAPTERS: dict[type[Any], TypeAdapter[Any]] = {}


def _adapter(record: type[Any]) -> TypeAdapter[Any]:
    adapter = _ADAPTERS.get(record)
    if adapter is None:
        adapter = _ADAPTERS[record] = TypeAdapter(record)
    return adapter


def encode(record: Any) -> bytes:
    """A record as canonical JSON: equal records give equal bytes.

    >>> from atomic.records.request import Features
    >>> encode(Features(text="hi", characters=2))
    b'{"characters":2,"numbers":[],"text":"hi"}'
    """
    return sorted_json(_adapter(type(record)).dump_python(record, mode="json"))


def decode(record: type[Any], content: bytes) -> Any:
    """The record that `encode` wrote: equal to it, floats bit for bit.

    Raises pydantic's ValidationError when the content is not such a record.

    >>> from atomic.records.request import Features
    >>> decode(Features, encode(Features(text="hi", characters=2)))
    Features(text='hi', characters=2, numbers=())
    """
    return _adapter(record).validate_json(content)


def encode_payload(payload: Payload) -> bytes:
    """A payload as canonical JSON."""
    return encode(payload)


def decode_payload(kind: str, version: int, content: bytes) -> Payload:
    """The payload of an event as of the newest schema, carried forward from the one it was written in.

    Raises ValueError for a kind or a version that this release does not know.
    """
    if version > SCHEMA_VERSION:
        raise ValueError(f"schema version {version} is newer than this release's {SCHEMA_VERSION}: upgrade Atomic")
    for known in range(version, SCHEMA_VERSION):
        content = MIGRATIONS[known](kind, content)
    if kind not in KINDS:
        raise ValueError(f"unknown kind of event {kind!r}")
    payload: Payload = decode(KINDS[kind], content)
    return payload


# From version n to n + 1, over a payload's JSON. Forward only; empty until there is a second version.
MIGRATIONS: dict[int, Any] = {}
