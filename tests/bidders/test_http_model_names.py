"""What a hosted model says it is called is kept, so that another model behind the same name is noticed."""

from __future__ import annotations

from typing import Any

import pytest

from atomic.bidders.anthropic_messages import ANTHROPIC_MESSAGES
from atomic.bidders.chat_completions import CHAT_COMPLETIONS
from atomic.bidders.http_dialect import Dialect
from atomic.bidders.http_reply import Said

CHOICE = {"message": {"content": "yes"}, "finish_reason": "stop"}
BLOCK = {"type": "text", "text": "yes"}


@pytest.mark.parametrize("name", ["mini-2026-11-01", 7, None])
@pytest.mark.parametrize(
    ("dialect", "reply"),
    [
        (CHAT_COMPLETIONS, {"choices": [CHOICE]}),
        (ANTHROPIC_MESSAGES, {"content": [BLOCK], "stop_reason": "end_turn"}),
    ],
)
def test_a_name_in_a_whole_reply_is_kept_where_it_is_a_text(
    dialect: Dialect, reply: dict[str, Any], name: object
) -> None:
    said = Said()
    dialect.whole(said, {**reply, "model": name})

    assert (name if isinstance(name, str) else "") == said.model
    assert said.fault is None


@pytest.mark.parametrize(
    ("dialect", "event"),
    [
        (CHAT_COMPLETIONS, {"choices": [], "model": "mini-2026-11-01"}),
        (ANTHROPIC_MESSAGES, {"type": "message_start", "message": {"model": "mini-2026-11-01", "usage": {}}}),
    ],
)
def test_a_name_in_a_stream_is_kept_from_where_it_is_said_first(dialect: Dialect, event: dict[str, Any]) -> None:
    said = Said()
    dialect.event(said, event)

    assert "mini-2026-11-01" == said.model
