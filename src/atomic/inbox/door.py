"""The inbox's doors for a command line: run a mailbox, say what a run would do, correct one mail."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from rich.console import Console
from rich.text import Text

from atomic.config import Config, open, open_to_judge, unwritten
from atomic.durable import PlainFlows
from atomic.errors import CallerError, OperatorError
from atomic.inbox.actions import Actions
from atomic.inbox.book import Book
from atomic.inbox.corrections import correct, truths_of_folder
from atomic.inbox.dry_run import foresee
from atomic.inbox.leaving import check_secrets
from atomic.inbox.only_one import no_runner, only_runner
from atomic.inbox.places import place_around
from atomic.inbox.policy import read_policy
from atomic.inbox.policy_settings import InboxSettings, based_at
from atomic.inbox.run import Run, run_inbox
from atomic.inbox.serve import Runner, serve_inbox
from atomic.inbox.source import Skipped, read_mail, read_mailbox
from atomic.inbox.tally import Tally
from atomic.inbox.undo import Undoing, undo
from atomic.inbox.view import ServedView, View, harmless
from atomic.protocols import FlowBody, Flows
from atomic.records.money import dollars


def inbox_of(config: Config) -> tuple[InboxSettings, Path]:
    """The settings of the inbox, its paths beginning where the configuration lies; and the folder of its results.

    Raises ConfigError.
    """
    settings = based_at(config.folder, read_policy(config.settings.inbox, config.source))
    return settings, config.folder / settings.folder


async def run_path(config: Config, root: Path, *, dry_run: bool = False, console: Console | None = None) -> int:
    """`atomic inbox run PATH [--dry-run]`: returns the exit code, 1 when a mail could not be handled.

    Raises CallerError when there is no mailbox at `root`, MailboxTaken when another process runs it with this ledger,
    and what the market raises.
    """
    settings, out = inbox_of(config)
    console = console or Console(highlight=False)
    _check(root)
    if dry_run:
        async with open(unwritten(config)) as market:
            async for line in foresee(market, root, out, settings):
                console.print(Text(harmless(line)), soft_wrap=True)
        return 0
    check_secrets(settings)
    tally = Tally()
    with only_runner(root, config.ledger):
        async with open(config) as market:
            cap, kept = config.settings.market.per_day, not console.is_terminal
            with View(tally, console=console, cap=cap, private=kept) as view:
                await run_inbox(Run(market=market, root=root, out=out, settings=settings, watcher=view))
    for line in summary(tally, out):
        view.say(line)
    return 1 if tally.problems else 0


async def serve_path(config: Config, root: Path, *, interval: float, console: Console | None = None) -> None:
    """`atomic inbox serve PATH`: until SIGTERM or SIGINT; the second of them ends the process at once.

    Raises as `run_path`.
    """
    settings, out = inbox_of(config)
    console = console or Console(highlight=False)
    _check(root)
    check_secrets(settings)
    with only_runner(root, config.ledger):
        async with open(config) as market:
            stop = _stopped_by_signals(console)
            tally = Tally()
            cap, kept = config.settings.market.per_day, not console.is_terminal
            with ServedView(tally, console=console, cap=cap, private=kept) as view:
                view.note(f"serving {root}, looking every {interval:g} s; results go to {out}")
                run = Run(market=market, root=root, out=out, settings=settings, watcher=view)
                await serve_inbox(run, stop=stop, interval=interval, runner=_runner(config, view))
            for line in summary(tally, out):
                view.say(line)


def flows_file(ledger: Path) -> Path:
    """Where the flows of a ledger's mailbox are kept."""
    return ledger.with_name("flows.db")


def _runner(config: Config, view: View) -> Runner:
    """Durable flows where the extra is there and a file to keep them by; else flows that end with the process."""
    ledger = config.ledger
    if ledger is None:
        return PlainFlows
    try:
        from atomic.durable.dbos_flows import DbosFlows
    except ModuleNotFoundError as missing:
        if missing.name != "dbos":
            raise
        return PlainFlows

    @asynccontextmanager
    async def durable(bodies: Mapping[str, FlowBody]) -> AsyncIterator[Flows]:
        try:
            opened: DbosFlows | PlainFlows = await DbosFlows.open(flows_file(ledger), bodies)
        except OperatorError as error:  # another mailbox of this ledger is served already
            view.note(f"{error.message}: what fails here is parked only until this process ends")
            opened = PlainFlows(bodies)
        async with opened:
            yield opened

    return durable


def _check(root: Path) -> None:
    try:
        read_mailbox(root)
    except OSError as error:
        raise CallerError(str(error), hint="a folder of .eml files, a Maildir, or an mbox") from None


def _stopped_by_signals(console: Console) -> asyncio.Event:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def stopped() -> None:
        stop.set()
        for one in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(one)
            signal.signal(one, signal.SIG_DFL)  # the second one is the system's to carry out, however busy we are
        console.print("  · stopping: finishing what is in hand; once more to stop at once", soft_wrap=True)

    for one in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(one, stopped)
    return stop


def summary(tally: Tally, out: Path) -> Iterator[str]:
    """What a run came to, for people."""
    yield f"{tally.mails} mails, {tally.drafts} drafts, spent {dollars(tally.spent)}; results lie in {out}"
    if tally.mails and not tally.wins:
        yield "Nobody could answer: `atomic bidders` says who is missing what, `atomic explain last` why each did not."
        yield "Classifiers and neighbours learn from you: `atomic inbox correct MAIL --spam ham`, a few times."
    if tally.suggestions:
        yield f"{len(tally.suggestions)} suggestions, not carried out (inbox.autonomy decides from when they are):"
        yield from (f"  {name}: {words}" for name, words in tally.suggestions[:20])
        if len(tally.suggestions) > 20:
            yield f"  … and {len(tally.suggestions) - 20} more"
    if tally.uncertain:
        yield f"{len(tally.uncertain)} may or may not have arrived; `atomic answer` asks what to do about each:"
        yield from (f"  {name}: {words}" for name, words in tally.uncertain)
    yield from (f"not handled: {name}: {problem}" for name, problem in tally.problems)


async def correct_mail(
    config: Config, path: Path, truths: Mapping[str, str | bool], *, folder: str = "", console: Console | None = None
) -> None:
    """`atomic inbox correct MAIL --spam ham --folder Billing …`: teach, and file anew.

    Raises CallerError for a file that is no mail, or a folder without one meaning; TaskError for a wrong value.
    """
    settings, out = inbox_of(config)
    console = console or Console(highlight=False)
    if path.suffix.lower() != ".eml" and path.parent.name not in {"cur", "new"}:
        raise CallerError(f"{path} is not a mail", hint="name an .eml file, or one in cur or new of a Maildir")
    source = await asyncio.to_thread(read_mail, path)
    if isinstance(source, Skipped):
        raise CallerError(f"{path}: {source.reason}")
    check_secrets(settings)
    said = {**(truths_of_folder(settings, folder) if folder else {}), **truths}
    async with open(config) as market:
        actions = Actions(market, place_around(source.path, out), settings, Book())
        actions.load()
        corrected = await correct(market, source, settings, actions, said)
    for task, held, truth in corrected.changes:
        console.print(Text(f"{task}: {truth}, not {held}"))
    if not corrected.changes:
        console.print("That was held already; nothing changes.")
    for taken in corrected.handled.taken:
        why = f" ({taken.detail})" if taken.status == "failed" else ""
        console.print(Text(f"{taken.decision.words}: {taken.status}{why}"))


async def undo_last(config: Config, *, seconds: float, console: Console | None = None) -> None:
    """`atomic inbox undo --last 1h`: undo what can be undone, and tell what cannot.

    Raises MailboxTaken while a mailbox is run with this ledger.
    """
    console = console or Console(highlight=False)
    with no_runner(config.ledger):
        async with open_to_judge(config) as market:
            came = await undo(market, since_ns=time.time_ns() - int(seconds * 1e9))
    for line in _undone(came):
        console.print(Text(harmless(line)), soft_wrap=True)


def _undone(came: Undoing) -> Iterator[str]:
    yield from (f"undone: {words}" for words in came.undone)
    if not came.undone:
        yield "nothing to undo"
    yield from (f"left as it is: {words}" for words in came.left)
    yield from (f"cannot be undone: {words}" for words in came.lasting)
