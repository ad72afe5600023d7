"""Rules say what a person wrote down, and refuse to be written badly."""

from typing import Any

import pytest
from tests.bidders.tasks import SKETCH, Mail, kind, plan_of, topic, urgent

from atomic.bidders.rules import Rule, Rules
from atomic.errors import ConfigError
from atomic.records.bid import NoBid, Offer, Reason
from atomic.testing import ask_for

INVOICE = Rule(
    task="kind", when={"mail.subject": "(?i)^invoice", "mail.size": r"^\d{4,}$"}, answer="invoice", claim=0.9
)


def bids(*rules: Rule, mail: Mail) -> bool:
    return isinstance(Rules(rules).offer(ask_for(kind(mail)), SKETCH), Offer)


async def test_all_conditions_of_a_rule_must_hold() -> None:
    assert bids(INVOICE, mail=Mail("Invoice 7", 5000))
    assert not bids(INVOICE, mail=Mail("Invoice 7", 50))
    assert not bids(INVOICE, mail=Mail("Your invoice", 5000))


async def test_the_first_rule_that_holds_answers() -> None:
    rules = Rules([
        Rule(task="urgent", when={"text": "later"}, answer="no", claim=0.8),
        Rule(task="urgent", when={"text": "now|later"}, answer=True),
    ])  # fmt: skip

    replies = [await rules.attempt(ask_for(urgent(text)), plan_of("rules")) for text in ("later, not now", "now")]
    assert [(False, 0.8), (True, 0.95)] == [(reply.value, reply.confidence) for reply in replies]


def test_no_rule_no_bid() -> None:
    no_bid = Rules([INVOICE]).offer(ask_for(topic("invoice")), SKETCH)

    assert isinstance(no_bid, NoBid)
    assert Reason.NO_RULE == no_bid.reason


@pytest.mark.parametrize("name", ["mail.absent", "absent", "mail.subject.deeper", "mail"])
def test_a_field_that_is_absent_or_no_text_is_not_found(name: str) -> None:
    assert not bids(Rule(task="kind", when={name: ""}, answer="other"), mail=Mail("a", 1))


def test_only_the_beginning_of_a_text_is_searched() -> None:
    rules = Rules([Rule(task="topic", when={"text": "goal"}, answer="sport")])

    assert isinstance(rules.offer(ask_for(topic("goal" + "x" * 10_000)), SKETCH), Offer)
    assert isinstance(rules.offer(ask_for(topic("x" * 10_000 + "goal")), SKETCH), NoBid)


async def test_an_answer_that_is_not_of_the_type_is_a_reason() -> None:
    rules = Rules([Rule(task="topic", when={"text": "."}, answer="weather")])

    assert Reason.NOT_THE_TYPE == (await rules.attempt(ask_for(topic("rain")), plan_of("rules"))).reason


@pytest.mark.parametrize(
    ("when", "claim", "fault"),
    [
        ({"text": "("}, 0.9, "no regular expression"),
        ({"text": "x" * 501}, 0.9, "longer than"),
        ({}, 0.9, "no conditions"),
        ({"text": "a"}, 1.0, "claims 1.0"),
    ],
)
def test_a_rule_that_is_written_badly_is_an_error_that_says_what(
    when: dict[str, Any], claim: float, fault: str
) -> None:
    with pytest.raises(ConfigError, match=fault):
        Rule(task="topic", when=when, answer="sport", claim=claim)
