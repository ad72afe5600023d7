"""`atomic feedback import`: what people and systems said of many outcomes, from a file, each word once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import orjson
import typer

from atomic.commands.common import ConfigOption, LedgerOption, find_config_and_ledger
from atomic.commands.feedback import read_truth
from atomic.errors import CallerError
from atomic.records.lesson import FeedbackGiven, Source

if TYPE_CHECKING:
    from atomic.config import Config
    from atomic.market import Market
    from atomic.records.event import Event

_FIELDS = ("request_id", "value", "truth", "source", "author", "tenant")
_LABELS: Mapping[object, str] = {True: "yes", False: "no"}


@dataclass(frozen=True, slots=True)
class _Word:
    """One line. `truth` is None where a value was given, and the other way round."""

    line: int
    request_id: str
    tenant: str
    source: Source
    author: str
    value: float | None
    truth: Any
    written: bool  # the truth as a person wrote it, to be read as the answer's type

    @property
    def about(self) -> tuple[str, str, str]:
        """Two words about the same by the same contradict each other, or say the same."""
        return self.tenant, self.request_id, self.source


@dataclass(slots=True)
class _Told:
    given: int = 0
    known: int = 0
    refused: list[tuple[int, str]] = field(default_factory=list)


def import_(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="JSON lines or CSV.")],
    source: Annotated[str, typer.Option(help="Whose word it is, where a line does not say.")] = "person",
    config: ConfigOption = None,
    ledger: LedgerOption = None,
) -> None:
    """Say of many outcomes how right they were.

    A line holds `request_id`, `value` (0 to 1) or `truth`, and perhaps `source`, `author` and `tenant`. What was said
    before is passed over, so that a file may be imported twice. Lines about what is unknown, erased or said otherwise
    elsewhere in the file are named by their numbers and teach nothing; then the exit code is 1.
    """
    told = asyncio.run(_import(find_config_and_ledger(config, ledger), file, source))
    typer.echo(f"{told.given} given, {told.known} known before, {len(told.refused)} refused")
    for line, why in sorted(told.refused):
        typer.echo(f"  line {line}: {why}", err=True)
    if told.refused:
        raise typer.Exit(1)


async def _import(config: Config, file: Path, source: str) -> _Told:
    from atomic.config import open_to_judge

    told = _Told()
    words = list(_agreeing(_words(file, source, told), told))
    async with open_to_judge(config) as market:
        for word in words:
            try:
                truth = _typed(market, word)
                if _is_known(market, word, truth):
                    told.known += 1
                    continue
                await market.feedback(
                    word.request_id,
                    word.value,
                    truth=truth,
                    source=word.source,
                    author=word.author,
                    tenant=word.tenant,
                )
                told.given += 1
            except CallerError as error:
                told.refused.append((word.line, error.message))
    return told


def _words(file: Path, source: str, told: _Told) -> Iterator[_Word]:
    from atomic.calibrate.lines import lines_of

    for number, fields in lines_of(file):
        try:
            yield _word(number, fields, source, file.suffix.lower() == ".csv")
        except CallerError as error:
            told.refused.append((number, error.message))


def _word(number: int, fields: Mapping[str, Any], source: str, written: bool) -> _Word:
    if strange := [name for name in fields if name not in _FIELDS]:
        raise CallerError(f"there is no field {strange[0]!r}: one of {', '.join(_FIELDS)}")
    said = {name: value for name, value in fields.items() if value is not None and value != ""}
    for name in ("request_id", "source", "author", "tenant"):
        if not isinstance(said.get(name, ""), str):
            raise CallerError(f"{name} is no text")
    if "request_id" not in said:
        raise CallerError("request_id is missing")
    by = said.get("source", source)
    if by not in get_args(Source):
        raise CallerError(f"there is no source {by!r}: one of {', '.join(get_args(Source))}")
    if ("value" in said) == ("truth" in said):
        raise CallerError("either value or truth")
    return _Word(
        line=number,
        request_id=said["request_id"],
        tenant=said.get("tenant", ""),
        source=by,
        author=said.get("author", ""),
        value=_value(said["value"]) if "value" in said else None,
        truth=said.get("truth"),
        written=written,
    )


def _value(value: object) -> float:
    """A probability, written as a number or, in CSV, as text."""
    try:
        number = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else -1.0
    except ValueError:
        number = -1.0
    if not 0.0 <= number <= 1.0:
        raise CallerError(f"value {value!r} is no probability: 0 is wrong, 1 is right")
    return number


def _agreeing(words: Iterator[_Word], told: _Told) -> Iterator[_Word]:
    """Each word once; lines that contradict each other are refused, all of them."""
    by_about: dict[tuple[str, str, str], list[_Word]] = {}
    for word in words:
        by_about.setdefault(word.about, []).append(word)
    for same in by_about.values():
        if all((one.value, one.truth) == (same[0].value, same[0].truth) for one in same):
            yield same[0]
            continue
        lines = ", ".join(str(one.line) for one in same)
        told.refused += [(one.line, f"lines {lines} contradict each other about {one.request_id!r}") for one in same]


def _typed(market: Market, word: _Word) -> Any:
    """The truth as JSON holds it."""
    if not word.written or not isinstance(word.truth, str):
        return word.truth
    request = next((one for one in _events(market, word, "request")), None)
    return word.truth if request is None else read_truth(word.truth, request, market.ledger)


def _is_known(market: Market, word: _Word, truth: Any) -> bool:
    """Whether the newest word of this source about this outcome is this one."""
    given = [(one, one.payload) for one in _events(market, word, "feedback") if isinstance(one.payload, FeedbackGiven)]
    same = [(one, said) for one, said in given if said.source == word.source]
    if not same:
        return False
    event, said = same[-1]
    bodies = [market.ledger.body(one) for one in event.bodies if one.name == "truth"]
    if word.value is not None:
        return not bodies and said.value == word.value
    return any(content is not None and _spelled(orjson.loads(content)) == _spelled(truth) for content in bodies)


def _spelled(truth: Any) -> Any:
    return _LABELS[truth] if isinstance(truth, bool) else truth


def _events(market: Market, word: _Word, kind: str) -> list[Event]:
    found = market.ledger.read(request_id=word.request_id, kinds=(kind,))
    return [event for event in found if event.tenant == word.tenant]
