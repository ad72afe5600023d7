"""Clients of `.baml` files as tables of bidders, and in words what of them is not carried over."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from atomic.integrations.baml_blocks import Block, Env


@dataclass(frozen=True, slots=True)
class _Provider:
    kind: str
    url: str = ""
    key: str = ""
    suffix: str = ""  # after a base URL of BAML's
    dialect: str = ""


_PROVIDERS: Mapping[str, _Provider] = {
    "openai": _Provider("http", "https://api.openai.com/v1", "OPENAI_API_KEY", dialect="openai"),
    "openai-generic": _Provider("http"),
    "openai-responses": _Provider("http", "https://api.openai.com/v1", "OPENAI_API_KEY", dialect="responses"),
    "ollama": _Provider("http", "http://localhost:11434/v1"),
    "openrouter": _Provider("http", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY"),
    "anthropic": _Provider("anthropic", "https://api.anthropic.com", "ANTHROPIC_API_KEY", suffix="/v1"),
    "google-ai": _Provider(
        "http", "https://generativelanguage.googleapis.com/v1beta", "GOOGLE_API_KEY", dialect="gemini"
    ),
}
_STRATEGIES = ("fallback", "baml-fallback", "round-robin", "baml-round-robin")
_MAPPED = ("model", "base_url", "api_key", "strategy", "max_tokens", "temperature")
_SAID = {
    "temperature": "the market asks for the likeliest answer first; asking again is a bid of its own",
    "max_tokens": "the task's type says how long an answer may become",
}


@dataclass(slots=True)
class Clients:
    """Tables by the bidder's name, which client each is, and what is not carried over: what, and why."""

    tables: dict[str, dict[str, Any]] = field(default_factory=dict)
    notes: list[tuple[str, str]] = field(default_factory=list)


def bidders(blocks: Sequence[Block], environment: Mapping[str, str] | None = None) -> Clients:
    """Every client that a bidder can be, those named only in a function (`"openai/gpt-4o"`) too.

    >>> from atomic.integrations.baml_blocks import blocks
    >>> found = bidders(blocks('client<llm> A { provider openai\\n options { model "m" } }'))
    >>> found.tables["A"]["url"], found.tables["A"]["key_env"], found.tables["A"]["price"]
    ('https://api.openai.com/v1', 'OPENAI_API_KEY', 'book')
    """
    known = os.environ if environment is None else environment
    made = Clients()
    named = {one.name for one in blocks if one.kind == "client"}
    for one in blocks:
        if one.kind == "client":
            _client(made, one.name, one.values, known)
        elif one.kind == "function":
            shorthand = one.values.get("client")
            if isinstance(shorthand, str) and "/" in shorthand and shorthand not in named:
                named.add(shorthand)
                provider, _, model = shorthand.partition("/")
                name = re.sub(r"[^\w.-]+", "-", shorthand)
                _client(made, name, {"provider": provider, "options": {"model": model}}, known)
        elif one.kind == "retry_policy":
            made.notes.append((f"retry_policy {one.name}", "asking again is a bid like any other, with a price"))
    return made


def _client(made: Clients, name: str, values: Mapping[str, Any], known: Mapping[str, str]) -> None:
    provider, options = str(values.get("provider", "")), values.get("options", {})
    where = f"client {name}"
    if provider in _STRATEGIES:
        members = ", ".join(map(str, options.get("strategy", ())))
        made.notes.append((where, f"the market chooses, at each request, among all bidders ({members})"))
        return
    known_as = _PROVIDERS.get(provider)
    if known_as is None:
        made.notes.append((where, f"no bidder speaks to the provider {provider}"))
        return
    table: dict[str, Any] = {"kind": known_as.kind} | ({"dialect": known_as.dialect} if known_as.dialect else {})
    for key, fallback in (("base_url", known_as.url), ("model", "")):
        value = options.get(key, fallback)
        if isinstance(value, Env):
            if value.name not in known:
                made.notes.append((where, f"its {key} is env.{value.name}, which is not set"))
                return
            value = known[value.name]
        if not value:
            made.notes.append((where, f"it says no {key}"))
            return
        table["url" if key == "base_url" else key] = str(value)
    if known_as.suffix and not table["url"].endswith(known_as.suffix):
        table["url"] = table["url"].rstrip("/") + known_as.suffix
    _key(made, name, table, options.get("api_key", Env(known_as.key) if known_as.key else None))
    table["price"] = "book"
    made.tables[name] = table
    for option in options:
        if option in _SAID or option not in _MAPPED:
            made.notes.append((f"{where}: {option}", _SAID.get(option, "not carried over: no bidder has it")))


def _key(made: Clients, name: str, table: dict[str, Any], key: Any) -> None:
    if isinstance(key, Env):
        table["key_env"] = key.name
    elif key:
        variable = re.sub(r"\W+", "_", name).upper() + "_API_KEY"
        table["key_env"] = variable
        made.notes.append((f"client {name}: api_key", f"a key is not copied: put it into the variable {variable}"))


def toml(tables: Mapping[str, Mapping[str, Any]]) -> str:
    """Tables of bidders as lines of `atomic.toml`."""
    parts = []
    for name, table in tables.items():
        shown = name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _quoted(name)
        lines = [f"{key} = {_quoted(value)}" for key, value in table.items()]
        parts.append("\n".join([f"[bidders.{shown}]", *lines]) + "\n")
    return "\n".join(parts)


def _quoted(text: Any) -> str:
    escaped = re.sub(r"[\x00-\x1f\x7f]", lambda one: f"\\u{ord(one.group()):04x}", str(text).replace("\\", "\\\\"))
    return '"' + escaped.replace('"', '\\"') + '"'
