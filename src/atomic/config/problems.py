"""What is wrong with a configuration, in the words of whoever wrote it: file, line, key and the nearest valid name."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from atomic.config.governing import GovernSettings, LoginSettings
from atomic.config.outsiders import ObserveSettings
from atomic.config.settings import KINDS, MarketSettings, Price, RuleSettings, Settings, TaskSettings
from atomic.config.toml_lines import Path, line_of
from atomic.config.values import SecretSettings
from atomic.errors import ConfigError

KeysAt = Callable[[Path], Iterable[str]]
_MOST_SHOWN = 10
_SECRET_KEY = re.compile(r"(?:^|[_-])(?:key|token|secret|password|passwd|credentials?)s?$", re.IGNORECASE)
_SECRET_VALUE = re.compile(
    r"(?:sk|rk|pk)-[\w-]{16,}|gh[pousr]_\w{20,}|xox[a-z]-[\w-]{10,}|AKIA[A-Z0-9]{16}|AIza[\w-]{30,}"
)
_HINT = "docs/configuration.md lists every table and key"
_WORDS = {
    "missing": "is missing",
    "string_type": "must be a text, in quotes",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "model_attributes_type": "must be a table",
    "tuple_type": "must be a list",
    "date_type": 'must be a date, such as "2026-11-01"',
    "too_short": "must not be empty",
}


@dataclass(frozen=True, slots=True)
class Source:
    """Where a configuration came from: a name for people, and on which lines its keys stand (none: a mapping)."""

    name: str
    lines: Mapping[Path, int]

    def wrong(self, problems: Iterable[tuple[Path, str]]) -> ConfigError:
        """The error to raise for some problems, each a path and what is wrong there; in the order of the file."""
        found = sorted((line_of(path, self.lines), self._said(path, what)) for path, what in problems)
        shown = [said for _, said in found[:_MOST_SHOWN]]
        if len(found) > _MOST_SHOWN:
            shown.append(f"and {len(found) - _MOST_SHOWN} more")
        return ConfigError("\n".join(shown), hint=_HINT)

    def _said(self, path: Path, what: str) -> str:
        line = line_of(path, self.lines)
        where = f"{self.name}:{line}" if line else self.name
        return f"{where}: {dotted(path)}: {what}" if path else f"{where}: {what}"


def dotted(path: Path) -> str:
    """A path as people write it.

    >>> dotted(("bidders", "house", "rules", 0, "when"))
    'bidders.house.rules[0].when'
    """
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def nearest(name: str, valid: Iterable[str]) -> str:
    """The valid name that was probably meant, as a question to append; all of them when none is near.

    >>> nearest("pirce", ["price", "model"])
    '; did you mean "price"?'
    """
    names = sorted(valid)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if close:
        return f'; did you mean "{close[0]}"?'
    return f"; there is {', '.join(names)}" if names else ""


def problems_of(
    error: ValidationError, raw: Mapping[str, Any], keys_at: KeysAt | None = None
) -> Iterator[tuple[Path, str]]:
    """What pydantic found, in our words; values are quoted only where they are one of a few words.

    `keys_at` names the keys that the table at a path may have; by default those of a configuration.
    """
    for one in error.errors(include_url=False, include_input=True):
        path = _without_kind(one["loc"])
        yield path, _said(one, path, keys_at or (lambda where: _keys_at(where, raw)))


def secrets_in(raw: object, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Keys and values that look like secrets: those never lie in a file, and are not quoted here."""
    where = "a secret has no place in a file: put it in an environment variable and name that, as in `key_env`"
    if isinstance(raw, Mapping):
        for key, value in raw.items():
            if _SECRET_KEY.search(key) and not isinstance(value, Mapping):
                yield (*path, key), where
            elif key != "when":  # whose keys are the fields of an input, which may have any name
                yield from secrets_in(value, (*path, key))
    elif isinstance(raw, list | tuple):
        for index, value in enumerate(raw):
            yield from secrets_in(value, (*path, index))
    elif isinstance(raw, str) and _SECRET_VALUE.search(raw):
        yield path, where


def _without_kind(loc: tuple[str | int, ...]) -> Path:
    """pydantic puts the kind between a bidder's name and its key."""
    return (*loc[:2], *loc[3:]) if loc[:1] == ("bidders",) and len(loc) > 2 else loc


def _said(one: ErrorDetails, path: Path, keys_at: KeysAt) -> str:
    kind, context = one["type"], one.get("ctx", {})
    if kind == "extra_forbidden":
        return "unknown key" + nearest(str(path[-1]), keys_at(path[:-1]))
    if kind == "union_tag_not_found":
        return f"kind is missing: it is one of {', '.join(KINDS)}"
    if kind == "union_tag_invalid":
        return f'there is no kind "{context["tag"]}"' + nearest(str(context["tag"]), KINDS)
    if kind == "literal_error":
        return f"not {one['input']!r}" + nearest(str(one["input"]), re.findall(r"'([^']*)'", context["expected"]))
    if kind == "missing" and path[-1] in {"price", "usd_per_hour"}:
        return f"is missing: an unknown price is never taken for free{_EXAMPLES[str(path[-1])]}"
    if kind == "value_error":
        return str(context["error"])
    words = _WORDS.get(kind)
    return words if words is not None else one["msg"][0].lower() + one["msg"][1:]


_EXAMPLES = {
    "price": ', such as price = { input = "$0.15", output = "$0.60", as_of = "2026-11-01" }',
    "usd_per_hour": ', such as usd_per_hour = "$0.02"',
}


def _keys_at(path: Path, raw: Mapping[str, Any]) -> Iterable[str]:
    """The keys that a table may have."""
    model: type[BaseModel] | None = None
    match path:
        case ():
            model = Settings
        case ("market",):
            model = MarketSettings
        case ("bidders", str(name)):
            model = KINDS.get(raw["bidders"][name]["kind"])
        case ("bidders", _, "price"):
            model = Price
        case ("bidders", _, "key"):
            model = SecretSettings
        case ("bidders", _, "rules", _):
            model = RuleSettings
        case ("govern",):
            model = GovernSettings
        case ("govern", "login"):
            model = LoginSettings
        case ("observe",):
            model = ObserveSettings
        case ("task", _):
            model = TaskSettings
    return model.model_fields if model is not None else ()
