"""Microtasks that the bidders' tests ask."""
# A microtask has no body: somebody else answers it.
# mypy: disable-error-code="empty-body"

from dataclasses import dataclass
from typing import Literal

from atomic.protocols import Sketch
from atomic.records.attempt import Plan
from atomic.records.microtask import microtask

SKETCH = Sketch(tactic="plain", prompt_characters=0, max_tokens=0)


def plan_of(bidder: str) -> Plan:
    return Plan(bidder=bidder, tactic="plain", max_tokens=0)


@dataclass(frozen=True)
class Mail:
    subject: str
    size: int


@microtask(worth="$1")
async def topic(text: str) -> Literal["sport", "money"]:
    """Is this text about sport or about money?"""


@microtask(worth="$1")
async def urgent(text: str) -> bool:
    """Is it urgent?"""


@microtask(worth="$1")
async def folder(text: str) -> str:
    """Which folder does it belong into?"""


@microtask(worth="$1")
async def length(text: str) -> int:
    """How many characters has it?"""


@microtask(worth="$1")
async def kind(mail: Mail) -> Literal["invoice", "other"]:
    """What kind of mail is it?"""
