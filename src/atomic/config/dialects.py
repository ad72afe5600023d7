"""Dialects by the names that a configuration has for them."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Literal, cast

if TYPE_CHECKING:
    from atomic.bidders.http_dialect import Dialect

DialectName = Literal["chat", "openai", "responses", "gemini", "vllm", "llama.cpp", "ollama"]
HeldBy = Literal["tool", "format", "nothing"]

_HOMES = {
    "chat": ("chat_completions", "CHAT_COMPLETIONS"),
    "openai": ("chat_completions", "OPENAI_CHAT"),
    "responses": ("openai_responses", "OPENAI_RESPONSES"),
    "gemini": ("gemini", "GEMINI"),
    "vllm": ("chat_completions", "VLLM_CHAT"),
    "llama.cpp": ("chat_completions", "LLAMA_CHAT"),
    "ollama": ("ollama", "OLLAMA"),
    "tool": ("anthropic_messages", "ANTHROPIC_TOOL"),
    "format": ("anthropic_messages", "ANTHROPIC_FORMAT"),
    "nothing": ("anthropic_messages", "ANTHROPIC_MESSAGES"),
}


def dialect_of(name: DialectName | HeldBy) -> Dialect:
    """A dialect, loaded when it is asked for; for Anthropic's by what holds an answer to its type.

    >>> dialect_of("gemini").kind, dialect_of("tool").form_tool
    ('gemini model', 'answer')
    """
    module, constant = _HOMES[name]
    return cast("Dialect", getattr(import_module(f"atomic.bidders.{module}"), constant))
