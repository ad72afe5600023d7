"""`atomic serve`: the market behind HTTP, for programs that speak OpenAI's, Anthropic's or Atomic's own API."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from atomic.commands.common import ConfigOption, LedgerOption, config_file, config_for
from atomic.errors import ConfigError, MissingExtra
from atomic.server.keyring import Keyring

if TYPE_CHECKING:
    from atomic.config import Config


def serve(
    ctx: typer.Context,
    host: Annotated[str, typer.Option(help="The address. Default: of [serve], else 127.0.0.1.")] = "",
    port: Annotated[int | None, typer.Option(min=0, max=65_535, help="0: any free one. Default: 8700.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, max=64, help="Processes on one ledger. Default: 1.")] = None,
    config: ConfigOption = None,
    ledger: LedgerOption = None,
) -> None:
    """Serve the market over HTTP until it is told to stop.

    Without keys on this machine's own address alone; `atomic keys create` makes keys.
    """
    read = config_for(config, ledger)
    settings = read.settings.serve
    host, workers = host or settings.host, workers or settings.workers
    port = settings.port if port is None else port
    if read.ledger is None and workers > 1:
        raise ConfigError("workers share a ledger, and this one is in memory", hint="name a file in market.ledger")
    try:
        from atomic.server.process import listen
        from atomic.server.process import serve as run
        from atomic.server.service import is_loopback
        from atomic.server.tasks import tasks_of
    except ModuleNotFoundError as error:
        raise MissingExtra(f"{error.name} is not installed", hint='pip install "atomic-market[server]"') from None
    if not ctx.find_root().params.get("verbose"):
        from atomic.commands.logs import configure_logs

        configure_logs(verbose=False)
    keyring = _keyring(read)
    keys = len(keyring.usable(time.time_ns()))
    if not keys and not is_loopback(host):
        raise ConfigError(
            f"without keys nobody but this machine may ask, and {host} is open to others",
            hint="`atomic keys create` makes a key; or serve on 127.0.0.1",
        )
    tasks_of(read)  # what is wrong with them is said here, before any worker finds it
    listening = listen(host, port)
    where = f"[{host}]" if ":" in host else host
    who = f"{keys} key{'s' * (keys != 1)}" if keyring.required else "no keys: open to this machine alone"
    typer.echo(
        f"serving on http://{where}:{listening.getsockname()[1]} with {workers} process{'es' * (workers > 1)}, {who}"
    )
    raise typer.Exit(run(config_file(config), read, listening, workers=workers))


def _keyring(config: Config) -> Keyring:
    from atomic.ledger import LedgerReader

    keyring = Keyring()
    if config.ledger is not None and config.ledger.exists():
        with LedgerReader.open(config.ledger) as opened:
            keyring.fold(opened.read(kinds=("key", "revoked")))
    return keyring
