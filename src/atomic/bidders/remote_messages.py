"""What market and remote bidder say to each other: version 1 of the bidding protocol (docs/bidding-protocol.md)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from atomic.records.bid import Reason

PROTOCOL = "atomic-bidding/1"
_MOST = 2**53

# What a bidder may say of why it does not bid or did not answer.
REASONS: dict[str, Reason] = {
    one.name.lower(): one
    for one in (
        Reason.LABEL_NOT_ACCEPTED,
        Reason.JURISDICTION,
        Reason.INPUT_TOO_LONG,
        Reason.TYPE_NOT_SUPPORTED,
        Reason.NO_CAPACITY,
        Reason.DEADLINE,
        Reason.DECLINED,
        Reason.FAILED,
        Reason.TIMED_OUT,
        Reason.REFUSED,
    )
}

Nano = Annotated[int, Field(ge=0, le=_MOST)]
Words = Annotated[str, Field(max_length=500)]


class Message(BaseModel):
    """A message: fields that are not known yet are passed over, so that a later 1.x can add some."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")


class Why(Message):
    """Why there is no bid, or no answer: one of `REASONS`."""

    reason: Literal[tuple(REASONS)]  # type: ignore[valid-type]  # the names of the table above
    detail: Words = ""

    @property
    def numbered(self) -> Reason:
        """The reason as the market numbers it."""
        return REASONS[self.reason]


class Bidding(Message):
    """A bid. `price` in nano-USD is the least it answers for; `claim` its own chance of being right."""

    id: Annotated[str, Field(min_length=1, max_length=200)]
    price: Nano
    claim: Annotated[float, Field(gt=0.0, lt=1.0)] | None = None
    answer_ms: Annotated[int, Field(ge=0, le=31_622_400_000)] | None = None


class BidReply(Message):
    """What comes back for a bid request: a bid, or why there is none."""

    protocol: Literal["atomic-bidding/1"]
    id: str
    bid: Bidding | None = None
    no_bid: Why | None = None

    @model_validator(mode="after")
    def _one(self) -> BidReply:
        if (self.bid is None) == (self.no_bid is None):
            raise ValueError("a bid or a no_bid, and not both")
        return self


class AwardReply(Message):
    """What comes back for an award: an answer (of the task's type, as JSON), or why there is none."""

    protocol: Literal["atomic-bidding/1"]
    id: str
    answer: Any = None
    confidence: Annotated[float, Field(ge=0.0, le=1.0)] | None = None
    model: Annotated[str, Field(pattern=r"^[\w.:/@+-]{0,100}$")] = ""
    failed: Why | None = None

    @model_validator(mode="after")
    def _one(self) -> AwardReply:
        if ("answer" in self.model_fields_set) == (self.failed is not None):
            raise ValueError("an answer or failed, and not both")
        return self


def faults(error: ValidationError) -> str:
    """Where a message is not as it should be, without what it holds."""
    found = error.errors(include_url=False, include_input=False, include_context=False)
    return "; ".join(f"{'.'.join(map(str, one['loc'])) or 'message'}: {one['msg']}" for one in found[:3])
