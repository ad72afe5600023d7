"""A masked bidder: the wire never carries what is personal, and the caller never sees a placeholder of ours."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import atomic
from atomic.guards import Masked
from atomic.market import Trade
from atomic.protocols import Profile
from atomic.records import Reply
from atomic.records.attempt import Message, Plan
from atomic.records.conversation import CallPiece, Conversation, Spoken
from atomic.records.microtask import Ask
from atomic.testing import Line, ScriptedBidder, ask_for, model_server

SECRETS = ("ann@example.org", "+44 20 7946 0958")


class Echo(ScriptedBidder):
    """Says what it was sent, and keeps it."""

    def __init__(self) -> None:
        super().__init__("echo", lambda ask: "ok", profile=Profile(name="echo", kind="scripted", speaks=True))
        self.sent = ""

    async def attempt(self, ask: Ask, plan: Plan) -> Reply:
        talk = ask.conversation
        self.sent = "\n".join(one.content for one in plan.messages) if talk is None else talk.text
        if ask.hear is not None:
            for place in range(0, len(self.sent), 3):
                ask.hear(self.sent[place : place + 3])
        return Reply(value=self.sent if talk is None else Spoken(text=self.sent))


def plan_of(text: str) -> Plan:
    return Plan(bidder="echo", tactic="plain", messages=(Message(role="user", content=text),))


@atomic.microtask(worth="$0.01")
async def reply_to(mail: str) -> str:
    """Answer this mail."""
    raise NotImplementedError


@atomic.microtask(worth="$0.01")
async def chat(conversation: Conversation) -> Spoken:
    """Go on."""
    raise NotImplementedError


async def test_what_is_personal_never_reaches_the_bidder_and_comes_back() -> None:
    echo, text = Echo(), f"from {SECRETS[0]}, call {SECRETS[1]}"
    reply = await Masked(echo, ["email", "phone"]).attempt(ask_for(reply_to("x")), plan_of(text))
    assert (echo.sent, reply.value) == ("from [EMAIL_1], call [PHONE_1]", text)


async def test_a_conversation_is_masked_in_every_part() -> None:
    echo = Echo()
    talk = Conversation(
        messages=(
            {"role": "system", "content": f"you help {SECRETS[0]}"},
            {"role": "user", "content": [{"type": "text", "text": f"ring {SECRETS[1]}"}]},
        )
    )
    reply = await Masked(echo, ["email", "phone"]).attempt(ask_for(chat(talk)), Plan(bidder="echo", tactic="plain"))
    assert not any(secret in echo.sent for secret in SECRETS)
    assert isinstance(reply.value, Spoken)
    assert all(secret in reply.value.text for secret in SECRETS)


async def test_what_is_read_along_is_put_back_as_it_comes() -> None:

    heard: list[Any] = []
    text = f"to {SECRETS[0]} and {SECRETS[0]}"
    await Masked(Echo(), ["email"]).attempt(replace(ask_for(reply_to("x")), hear=heard.append), plan_of(text))
    assert "".join(heard) == text


async def test_a_call_that_is_read_along_is_put_back_as_it_comes() -> None:
    heard: list[Any] = []
    arguments = ['{"to": "[EM', "AIL_", '1]"}']
    says: list[Any] = [
        "Hi [EMAIL",
        "_1].",
        CallPiece(0, "c1", "send"),
        *(CallPiece(0, arguments=one) for one in arguments),
    ]
    talk = Conversation(messages=({"role": "user", "content": SECRETS[0]},))
    profile = Profile(name="poet", kind="scripted", converses=True)
    poet = ScriptedBidder("poet", [Line(answer="Yes.", says=says)], profile=profile)
    await Masked(poet, ["email"]).attempt(
        replace(ask_for(chat(talk)), hear=heard.append), Plan(bidder="poet", tactic="plain")
    )

    assert f"Hi {SECRETS[0]}." == "".join(one for one in heard if isinstance(one, str))
    assert f'{{"to": "{SECRETS[0]}"}}' == "".join(one.arguments for one in heard if isinstance(one, CallPiece))


async def test_the_attempt_says_how_much_was_masked_and_not_what() -> None:
    reply = await Masked(Echo(), ["email"]).attempt(ask_for(reply_to("x")), plan_of(f"{SECRETS[0]} b@x.org"))
    assert reply.detail == "masked: 2 email"


async def test_a_hosted_model_with_a_mask_sends_placeholders(tmp_path: Path) -> None:
    async with model_server() as server:
        (tmp_path / "atomic.toml").write_text(
            '[market]\nledger = ":memory:"\nper_day = "$1"\n[bidders.mini]\nkind = "http"\n'
            f'url = "{server.url}"\nmodel = "whole"\nmask = ["email", "phone"]\n'
            'price = { input = "$1", output = "$1", as_of = "2026-11-01" }\n'
        )
        async with atomic.open(tmp_path / "atomic.toml") as market:
            await market.buy(reply_to(f"I am {SECRETS[0]}, {SECRETS[1]}"), Trade())
        sent = str([asked.body for asked in server.asked])
    assert "[EMAIL_1]" in sent
    assert not any(secret in sent for secret in SECRETS)


async def test_tools_and_settings_of_a_conversation_are_masked() -> None:
    sent: list[Conversation] = []

    class Keeps(Echo):
        async def attempt(self, ask: Ask, plan: Plan) -> Reply:
            assert ask.conversation is not None
            sent.append(ask.conversation)
            return await super().attempt(ask, plan)

    given = Conversation(
        messages=({"role": "user", "content": "hi"},),
        tools=({"type": "function", "function": {"name": "id", "parameters": {"id": {"enum": ["bob@example.org"]}}}},),
        settings={"user": "ann@example.org", "metadata": {"id": "kim@example.org"}, "temperature": 0.5},
    )
    await Masked(Keeps(), ["email"]).attempt(ask_for(chat(given)), plan_of(""))
    assert ("@" in repr(sent), sent[0].settings["temperature"]) == (False, 0.5)


async def test_what_another_began_is_masked_as_well() -> None:
    begun: list[str] = []

    class Goes(Echo):
        async def attempt(self, ask: Ask, plan: Plan) -> Reply:
            begun.append(plan.begun)
            return await super().attempt(ask, plan)

    plan = replace(plan_of(SECRETS[0]), begun=f"Dear {SECRETS[0]}, thank")
    await Masked(Goes(), ["email"]).attempt(ask_for(reply_to("x")), plan)
    assert begun == ["Dear [EMAIL_1], thank"]


async def test_a_placeholder_that_the_caller_wrote_later_on_comes_back_as_it_was() -> None:
    echo = Echo()
    talk = Conversation(
        messages=({"role": "system", "content": "you help a@x.org"}, {"role": "user", "content": "what is [EMAIL_1]?"})
    )
    reply = await Masked(echo, ["email"]).attempt(ask_for(chat(talk)), Plan(bidder="echo", tactic="plain"))
    assert isinstance(reply.value, Spoken)
    assert ("a@x.org" in echo.sent, "[EMAIL_1]?" in reply.value.text) == (False, True)


async def test_a_name_before_an_address_is_kept_from_the_bidder_in_every_message() -> None:
    echo = Echo()
    said = tuple(Message(role="user", content=text) for text in ("Ann Smith <a@x.org>", "Thanks, Ann"))
    plan = replace(plan_of(""), messages=said)
    reply = await Masked(echo, ["email", "name"]).attempt(ask_for(reply_to("x")), plan)
    assert (echo.sent, reply.value) == ("[NAME_1] <[EMAIL_1]>\nThanks, [NAME_2]", "Ann Smith <a@x.org>\nThanks, Ann")
