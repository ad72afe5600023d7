"""What `atomic tune` found, in a file that the configuration names: read at every opening, one tactic each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import orjson
from pydantic import Field, TypeAdapter, ValidationError

from atomic.belief.examples import ExampleStore
from atomic.belief.pinned import PinnedExamples
from atomic.config.values import Table
from atomic.errors import ConfigError
from atomic.protocols import Examples, Tactic


class Found(Table):
    """An instruction for a task and the request ids of examples to show; by whom it was found, and for how much.

    `name` is what its bids are called: "mini+plain~gepa-1"; `spent` is in nano-USD.
    """

    task: str
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")]
    instruction: str
    examples: Annotated[tuple[str, ...], Field(strict=False)] = ()
    optimizer: str
    bidder: str
    spent: int
    day: str


_ALL: TypeAdapter[tuple[Found, ...]] = TypeAdapter(tuple[Found, ...])


def read_found(file: Path) -> tuple[Found, ...]:
    """Everything that was found so far; nothing where there is no file. Raises ConfigError."""
    try:
        return _ALL.validate_python(orjson.loads(file.read_bytes()))
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}") from None
    except (orjson.JSONDecodeError, ValidationError):
        raise ConfigError(f"{file} is not as `atomic tune` writes it", hint="remove it, and tune again") from None


def write_found(file: Path, found: Sequence[Found]) -> None:
    """Replace the file at one stroke."""
    content = orjson.dumps([one.model_dump() for one in found], option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS)
    part = file.with_name(f"{file.name}.part")
    part.write_bytes(content + b"\n")
    part.replace(file)


def tuned_tactics(found: Sequence[Found]) -> list[Tactic]:
    """A tactic, or two, for each."""
    from atomic.tactics.tuned import tuned

    return [tactic for one in found for tactic in tuned(one.task, one.name, one.instruction, one.examples)]


def with_pins(store: Examples, found: Sequence[Found]) -> Examples:
    """The examples at hand, with those that were chosen."""
    pins: dict[str, list[str]] = {}
    for one in found:
        if one.examples:
            pins.setdefault(one.task, []).extend(one.examples)
    return PinnedExamples(store, pins) if pins and isinstance(store, ExampleStore) else store
