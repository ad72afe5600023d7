"""The policy: typed values select actions, and nothing else can."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.inbox.markets import POLICY, policy

from atomic.errors import ConfigError
from atomic.inbox.automatic import AutomaticKind
from atomic.inbox.policy import Value, decide, read_policy

SURE = 0.99


def values(**said: Any) -> dict[str, Value]:
    return {name: Value(value=value, probability=SURE) for name, value in said.items()}


def rule(when: dict[str, Any], do: dict[str, Any]) -> dict[str, Any]:
    return {"rules": [{"when": when, "do": do}]}


def words(settings: dict[str, Any], **said: Any) -> list[str]:
    return [one.words for one in decide(read_policy(settings), values(**said))]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"rulez": []}, 'inbox.rulez: unknown key; did you mean "rules"?'),
        ({"autonomy": {"mov": 0.5}}, 'inbox.autonomy.mov: unknown key; did you mean "move"?'),
        ({"autonomy": {"move": "sugest"}}, "inbox.autonomy.move: not 'sugest'"),
        ({"autonomy": {"move": 2.0}}, "inbox.autonomy.move: not 2.0"),
        (
            rule({"categry": "billing"}, {"tag": "x"}),
            'inbox.rules[0].when.categry: unknown key; did you mean "category"?',
        ),
        (
            rule({"category": "biling"}, {"tag": "x"}),
            "inbox.rules[0].when.category: not 'biling'; did you mean \"billing\"?",
        ),
        (rule({"automatic": "bonce"}, {"tag": "x"}), "not 'bonce'; did you mean \"bounce\"?"),
        (rule({"spam": "spam"}, {"mvoe": "Junk"}), 'inbox.rules[0].do.mvoe: unknown key; did you mean "move"?'),
        (rule({"spam": "spam"}, {"move": "../../etc"}), "is not a plain name"),
        (rule({"spam": "spam"}, {"move": "Outbox"}), "is a folder of Atomic's own"),
        (rule({"spam": "spam"}, {"forward": "a@example.com\nBcc: b@example.com"}), "not a plain address"),
        (rule({"spam": "spam"}, {"reply": "send"}), "not 'send'"),
        (rule({}, {"tag": "x"}), "inbox.rules[0].when: must not be empty"),
        (rule({"spam": "spam"}, {}), "inbox.rules[0].do: must not be empty"),
        ({"ask": ["spm"]}, "not 'spm'; did you mean \"spam\"?"),
        ({"terms": {"spam": {"worht": "$1"}}}, 'inbox.terms.spam.worht: unknown key; did you mean "worth"?'),
        ({"terms": {"span": {"worth": "$1"}}}, 'did you mean "spam"?'),
    ],
)
def test_a_wrong_policy_is_refused_with_its_key_and_the_nearest_name(table: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as error:
        read_policy(table)
    assert said in str(error.value)


def test_tags_add_up_and_the_first_rule_decides_where_a_mail_goes() -> None:
    rules = [
        {"when": {"category": "billing"}, "do": {"tag": "billing", "move": "Billing"}},
        {"when": {"priority": "high"}, "do": {"tag": "urgent", "move": "Today"}},
    ]
    assert ["tag billing", "tag urgent", "move to Billing"] == words(
        {"rules": rules}, spam="ham", category="billing", priority="high"
    )


def test_moving_comes_last_so_that_a_moved_mail_has_all_the_rest_behind_it() -> None:
    both = decide(policy(), values(spam="ham", category="billing", needs_reply=True))
    assert ["tag", "forward", "reply", "move"] == [one.action for one in both]


def test_a_value_that_nobody_bought_holds_for_no_rule() -> None:
    assert [] == words(rule({"category": "billing"}, {"tag": "x"}), spam="ham")
    assert [] == words(rule({"needs_reply": False}, {"tag": "x"}), spam="ham")


@pytest.mark.parametrize(
    ("wanted", "is_", "holds"),
    [
        (True, AutomaticKind.LIST, True),
        (True, False, False),
        (False, False, True),
        ("list", AutomaticKind.LIST, True),
        ("list", AutomaticKind.BOUNCE, False),
    ],
)
def test_a_rule_may_look_at_whether_and_which_machine_sent_a_mail(wanted: Any, is_: Any, holds: bool) -> None:
    assert holds is bool(words(rule({"automatic": wanted}, {"tag": "x"}), automatic=is_))


@pytest.mark.parametrize(
    ("autonomy", "probability", "mode"),
    [("observe", 1.0, "observe"), ("suggest", 1.0, "suggest"), (0.9, 0.95, "act"), (0.9, 0.85, "suggest")],
)
def test_autonomy_decides_whether_an_action_is_carried_out(autonomy: Any, probability: float, mode: str) -> None:
    settings = read_policy({"autonomy": {"tag": autonomy}, **rule({"spam": "spam"}, {"tag": "x"})})
    assert [mode] == [one.mode for one in decide(settings, {"spam": Value(value="spam", probability=probability)})]


def test_doubt_about_spam_counts_against_whatever_was_asked_because_it_is_none() -> None:
    settings = read_policy(rule({"category": "billing"}, {"move": "Billing"}))
    said = {"spam": Value(value="ham", probability=0.6), "category": Value(value="billing", probability=0.95)}
    (one,) = decide(settings, said)
    assert "suggest" == one.mode
    assert 0.55 == pytest.approx(one.probability)


@given(
    st.dictionaries(
        st.sampled_from(["spam", "category", "sentiment", "priority", "needs_reply", "automatic", "subject"]),
        st.one_of(st.text(), st.booleans(), st.sampled_from(["spam", "ham", "billing", "support"])),
    )
)
def test_whatever_the_values_are_targets_are_those_of_the_configuration(said: dict[str, Any]) -> None:
    allowed = {(action, target) for one in POLICY["rules"] for action, target in one["do"].items()}
    assert {(one.action, one.target) for one in decide(policy(), values(**said))} <= allowed
