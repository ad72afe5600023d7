"""What commands share: their options, where the ledger is, and which request an abbreviated id means."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import orjson
import typer

from atomic.errors import CallerError, ConfigError, NotFound
from atomic.records.validator import JUDGED

if TYPE_CHECKING:
    from atomic.config import Config
    from atomic.ledger import LedgerReader
    from atomic.records.event import Event

CONFIG_VARIABLE = "ATOMIC_CONFIG"
DEFAULT_CONFIG = "atomic.toml"
_MOST_NAMED = 5

ConfigOption = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help=f"Default: ${CONFIG_VARIABLE}, else {DEFAULT_CONFIG}.")
]
LedgerOption = Annotated[
    Path | None, typer.Option("--ledger", metavar="FILE", help="Default: the one that the configuration names.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON instead of text.")]
RequestArgument = Annotated[
    str, typer.Argument(metavar="ID", help='A request id, its beginning or end, or "last".', show_default=False)
]


def config_file(config: Path | None) -> Path:
    """The configuration to read: as asked for, else by the environment, else here."""
    return config or Path(os.environ.get(CONFIG_VARIABLE) or DEFAULT_CONFIG)


def config_for(config: Path | None, ledger: Path | None) -> Config:
    """The configuration with the ledger that was asked for. With a ledger and no file: a market without bidders.

    Raises ConfigError.
    """
    from atomic.config import read_config, with_ledger

    path = config_file(config)
    if ledger is not None and config is None and not path.exists():
        return with_ledger(read_config({}), ledger)
    read = read_config(path)
    return read if ledger is None else with_ledger(read, ledger)


def ledger_file(config: Path | None, ledger: Path | None) -> Path:
    """The file of a ledger that is there. Raises NotFound or ConfigError."""
    if ledger is None:
        ledger = config_for(config, None).ledger
        if ledger is None:
            raise ConfigError("this configuration keeps its ledger in memory: it is gone when its process is")
    if not ledger.exists():
        raise NotFound(f"there is no ledger {ledger}", hint="a market makes it when it opens")
    return ledger


@contextmanager
def reading(config: Path | None, ledger: Path | None) -> Iterator[LedgerReader]:
    """The ledger, to be read only: it may lie where nothing can be written, and others may write it meanwhile."""
    from atomic.ledger import LedgerReader

    with LedgerReader.open(ledger_file(config, ledger)) as opened:
        yield opened


def find_request(ledger: LedgerReader, text: str) -> Event:
    """The request that an id, its unique beginning or end, or "last" means. Raises NotFound or CallerError.

    Of an id such as "0123456789abcdef/spam" the part before the slash may be abbreviated alone: "01234/spam".
    """
    if text == "last":
        return _newest(ledger)
    wanted = text.strip("…")
    for event in ledger.read(request_id=wanted, kinds=("request",)):
        return event
    requests = ledger.read(kinds=("request",))
    matching = {
        event.request_id: event for event in requests if _abbreviates(wanted, event.request_id) and _is_asked(event)
    }
    if not matching:
        raise NotFound(f"there is no request {text!r}", hint="see `atomic ledger tail`")
    if len(matching) > 1:
        some = ", ".join(list(matching)[:_MOST_NAMED])
        raise CallerError(f"{len(matching)} requests match {text!r}: {some}", hint="write more of the id")
    return next(iter(matching.values()))


def _abbreviates(text: str, request_id: str) -> bool:
    if not text:
        return False
    if request_id.startswith(text) or request_id.endswith(text):
        return True
    head, _, task = request_id.partition("/")
    begun, slash, same = text.partition("/")
    return bool(slash and begun) and same == task and head.startswith(begun)


def _is_asked(event: Event) -> bool:
    """Whether somebody asked it: what was only bought for comparison goes by its whole id."""
    assignment = getattr(event.payload, "assignment", None)
    return JUDGED not in event.request_id and (assignment is None or not assignment.shadows)


def _newest(ledger: LedgerReader) -> Event:
    window, head = 256, ledger.head()
    while True:
        after = max(0, head - window)
        found = [event for event in ledger.read(after=after, kinds=("request",)) if _is_asked(event)]
        if found:
            return found[-1]
        if after == 0:
            raise NotFound("there is no request in this ledger yet")
        window *= 8


def find_config_and_ledger(config: Path | None, ledger: Path | None) -> Config:
    """As `config_for`, but the ledger is there already. Raises NotFound or ConfigError."""
    read = config_for(config, ledger)
    if read.ledger is None or not read.ledger.exists():
        ledger_file(config, ledger)
    return read


def columns(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Rows as lines with aligned columns, plain enough for `grep` and `cut`; the first row is the heading.

    >>> list(columns([["who", "price"], ["words", "$0"]]))
    ['who    price', 'words  $0']
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def say(text: str) -> None:
    """Print text that may quote a stranger: what could steer a terminal or turn its writing around is made visible.

    >>> say("tea\x1b[2J for two\u202e\\nand one")
    tea\\u001b[2J for two\\u202e
    and one
    """
    typer.echo("\n".join(line if line.isprintable() else _visible(line) for line in text.split("\n")))


def _visible(line: str) -> str:
    return "".join(
        one if one.isprintable() or one in "\t\u00a0\u202f" else json.dumps(one)[1:-1] if not one.isspace() else " "
        for one in line
    )


def print_json(value: object) -> None:
    """A value as indented JSON; what could steer a terminal is escaped as JSON escapes it."""
    say(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode())


def short_id(request_id: str) -> str:
    """A request id as lists show it: the end of a long one, which commands take as well.

    >>> short_id("mail-7"), short_id("0193a0f2-77aa-7bbb-8ccc-1234567890ab"), short_id("0123456789abcdef/spam")
    ('mail-7', '…567890ab', '…89abcdef/spam')
    """
    head, slash, task = request_id.partition("/")
    return request_id if len(request_id) <= 12 else f"…{head[-8:]}{slash}{task}"
