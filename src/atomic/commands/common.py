"""What commands share: their options, where the ledger is, and which request an abbreviated id means."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from atomic.errors import CallerError, ConfigError, NotFound

if TYPE_CHECKING:
    from atomic.config import Config
    from atomic.ledger import SqliteLedger
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
def reading(config: Path | None, ledger: Path | None) -> Iterator[SqliteLedger]:
    """The ledger, to be read; others may write it meanwhile."""
    from atomic.ledger import SqliteLedger

    opened = SqliteLedger.open(ledger_file(config, ledger))
    try:
        yield opened
    finally:
        asyncio.run(opened.close())


def find_request(ledger: SqliteLedger, text: str) -> Event:
    """The request that an id, its unique beginning or end, or "last" means. Raises NotFound or CallerError."""
    if text == "last":
        return _newest(ledger)
    wanted = text.strip("…")
    for event in ledger.read(request_id=wanted, kinds=("request",)):
        return event
    matching = {
        event.request_id: event
        for event in ledger.read(kinds=("request",))
        if wanted and (event.request_id.startswith(wanted) or event.request_id.endswith(wanted))
    }
    if not matching:
        raise NotFound(f"there is no request {text!r}", hint="see `atomic ledger tail`")
    if len(matching) > 1:
        some = ", ".join(list(matching)[:_MOST_NAMED])
        raise CallerError(f"{len(matching)} requests match {text!r}: {some}", hint="write more of the id")
    return next(iter(matching.values()))


def _newest(ledger: SqliteLedger) -> Event:
    window, head = 256, ledger.head()
    while True:
        after = max(0, head - window)
        found = list(ledger.read(after=after, kinds=("request",)))
        if found:
            return found[-1]
        if after == 0:
            raise NotFound("there is no request in this ledger yet")
        window *= 8


def short_id(request_id: str) -> str:
    """A request id as lists show it: the end of a long one, which commands take as well.

    >>> short_id("mail-7"), short_id("0193a0f2-77aa-7bbb-8ccc-1234567890ab")
    ('mail-7', '…567890ab')
    """
    return request_id if len(request_id) <= 12 else f"…{request_id[-8:]}"
