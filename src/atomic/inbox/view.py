"""What a person sees of a run: a line for each mail, and below them who wins, what it costs and how often it is right.

In a terminal the lower part is live; piped, there are plain lines and no control characters. What stands in a mail is
hostile to a terminal (escape sequences, text that runs backwards), so it is made harmless before it is shown.
"""

from __future__ import annotations

import re
import time
import unicodedata
from types import TracebackType
from typing import Any

from rich.cells import cell_len, set_cell_size
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from atomic.inbox.case import Taken
from atomic.inbox.handler import DRAFT, Handled
from atomic.inbox.source import Skipped
from atomic.inbox.tally import Tally
from atomic.inbox.tasks import TASKS
from atomic.records.money import dollars

_ADDRESS = re.compile(r"[^\s<>(),;:\"'/]+@[^\s<>(),;:\"'/]+")
_WIDTH = 150  # of lines that go to a file
_KEPT = 1_000  # of a run without an end
_HIDDEN = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})  # controls, directions, private use, line ends
_COLOURS = ("cyan", "magenta", "green", "yellow", "blue", "red")
_QUIET = frozenset({"hidden", "not an .eml file", "not part of the Maildir's mail"})
_EVERY = 20  # mails between two states of affairs when nobody can see a live one


def harmless(text: str, width: int = 0) -> str:
    """Text of a stranger for a terminal: no controls, no escapes, no direction marks; cut to `width` cells if given.

    >>> harmless("pay\\x1b[31m now\\u202e!")
    'pay[31m now!'
    >>> harmless("Grüße aus Ulm", 6)
    'Grüße…'
    """
    plain = "".join(" " if one.isspace() else one for one in text if one.isspace() or _is_shown(one))
    if width and cell_len(plain) > width:
        return set_cell_size(plain, width - 1).rstrip() + "…"
    return plain


def without_addresses(text: str) -> str:
    """Words for a log: who is written to stands in the configuration or the mail.

    >>> without_addresses("failed: forward to accounts@example.com")
    'failed: forward to …@…'
    """
    return _ADDRESS.sub("…@…", text)


def _is_shown(one: str) -> bool:
    return unicodedata.category(one) not in _HIDDEN


class View:
    """Watches a run. Use as a context manager; `cap` is the day's cap in nano-USD, `total` how many mails there are.

    `private` names mails by their files alone, for where lines are kept: no sender, no subject.
    """

    def __init__(
        self,
        tally: Tally | None = None,
        *,
        console: Console | None = None,
        total: int = 0,
        cap: int | None = None,
        private: bool = False,
    ) -> None:
        self.tally = tally or Tally()
        self.console = console or Console(highlight=False)
        if not self.console.is_terminal:
            self.console.width = _WIDTH
        self._total = total
        self._cap = cap
        self._private = private
        self._began = time.monotonic()
        self.first_decision = 0.0  # seconds until the first mail was decided
        live = self.console.is_terminal and not self.console.is_dumb_terminal
        self._live = Live(get_renderable=self._board, console=self.console, refresh_per_second=6) if live else None

    def __enter__(self) -> View:
        self._began = time.monotonic()
        head = (*_HEAD[:5], "owner" if self.tally.labels else "", *_HEAD[6:])
        self._print(_columns(head, self.console.width, "bold"))
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()
        else:
            self.console.print(self._state(), soft_wrap=True)

    @property
    def seconds(self) -> float:
        """Since it began."""
        return time.monotonic() - self._began

    def handled(self, one: Handled) -> None:
        """A line."""
        self.first_decision = self.first_decision or self.seconds
        self.tally.add(one)
        done = self.tally.mails + len(self.tally.problems)
        who, what = (one.mail.sender_name or one.mail.sender or "?", one.mail.subject or "(no subject)")
        if self._private:
            who, what = "", one.source.path.name
        cells = _cells(one, done, self._as_owner(one), who, what)
        if self._private:
            cells = tuple(map(without_addresses, cells))
        self._print(_columns(cells, self.console.width, "red" if one.problem else ""))
        if self._live is None and done % _EVERY == 0 and done != self._total:
            self.console.print(self._state(), soft_wrap=True)

    def _as_owner(self, one: Handled) -> str:
        """How many answers are those of the mail's owner, where they are known: "4/5"."""
        labels = self.tally.labels.get(one.source.path.name, {})
        same = [
            answer.value == labels[task]
            for task, answer in one.answers.items()
            if task in labels and answer.value is not None
        ]
        return f"{sum(same)}/{len(same)}" if same else ""

    def skipped(self, one: Skipped) -> None:
        """Counted; said only where somebody would miss the mail."""
        self.tally.skipped += 1
        if one.reason not in _QUIET:
            self.note(f"{one.path.name}: {one.reason}")

    def note(self, words: str) -> None:
        """A remark."""
        self.say(f"  · {words}", style="dim")

    def say(self, words: str, style: str = "") -> None:
        """A line of its own."""
        words = without_addresses(words) if self._private else words
        self._print(Text(harmless(words), style=style))

    def _print(self, line: Text) -> None:
        self.console.print(line, soft_wrap=True)

    def _state(self) -> Text:
        """The state of affairs in one line."""
        tally = self.tally
        wins = ", ".join(f"{name} {count}" for name, count in tally.wins.most_common(6))
        return Text(
            f"  = {tally.mails} mails, {self.seconds:.0f} s, {self._money()}; won: {wins or 'nobody'}"
            f"{self._agreements(', ', '; as the owner files: ')}"
        )

    def _money(self) -> str:
        cap = f" of {dollars(self._cap)} a day" if self._cap is not None else ""
        return f"spent {dollars(self.tally.spent)}{cap}"

    def _agreements(self, between: str, before: str) -> str:
        found = {task: self.tally.agreement(task) for task in self.tally.said}
        shown = [f"{task} {one.right}/{one.known}" for task, one in found.items() if one.known]
        return before + between.join(shown) if shown else ""

    def _board(self) -> RenderableType:
        tally, width = self.tally, max(40, self.console.width - 4)
        done = tally.mails + len(tally.problems)
        share = done / self._total if self._total else 0.0
        length = 30 if width >= 100 else 10
        filled = int(share * length)
        progress = Text(no_wrap=True, overflow="ellipsis")
        progress.append("█" * filled, "green").append("░" * (length - filled), "dim")
        progress.append(f" {done}/{self._total or '?'} mails   ")
        progress.append(f"{self.seconds:.0f} s   {self._money()}   {tally.drafts} drafts")
        rows: list[RenderableType] = [progress, self._bars(width)]
        agreements = self._agreements("   ", "")
        if agreements:
            rows.append(Text(f"as its owner files it: {agreements}", style="bold", overflow="ellipsis", no_wrap=True))
        return Panel(Group(*rows), title="the market", title_align="left", border_style="dim")

    def _bars(self, width: int) -> RenderableType:
        wins = self.tally.wins.most_common(6)
        most = max((count for _, count in wins), default=1)
        bars = Table.grid(padding=(0, 1))
        for index, (name, count) in enumerate(wins):
            length = max(1, round(count / most * min(40, width - 40)))
            bars.add_row(name, Text("▇" * length, style=_COLOURS[index % len(_COLOURS)]), str(count))
        return bars if wins else Text("nobody won yet", style="dim")


_HEAD = ("#", "from", "subject", "judged", "done", "owner", "won by", "price", "s")


def _columns(cells: tuple[str, ...], width: int, style: str) -> Text:
    """A line of the nine cells; a narrow terminal gets the more important ones."""
    number, sender, subject, judged, done, owner, who, price, seconds = cells
    parts = [(number, 3), (subject, 0), (judged, 30 if width >= 100 else 20), (done, 24 if width >= 100 else 16)]
    if width >= 110:
        parts.insert(1, (sender, 14))
    parts += [(owner, 5)]
    if width >= 130:
        parts.append((who, 18))
    if width >= 100:
        parts.append((price, 10))
    if width >= 80:
        parts.append((seconds, 5))
    left = width - 1 - sum(size + 1 for _, size in parts)
    line = Text(style=style)
    for text, size in parts:
        size = size or max(8, left)
        # Aligned by hand: `set_cell_size` counts what a terminal shows, not characters.
        line.append(set_cell_size(harmless(text, size), size) + " ")
    line.rstrip()
    return line


def _cells(one: Handled, number: int, owner: str, sender: str, subject: str) -> tuple[str, ...]:
    if one.problem:
        return (str(number), "", one.source.path.name, "not handled", one.problem, "", "", "", "")
    words = (_word(name, one.answers[name].value) for name in TASKS if name in one.answers and name != DRAFT)
    judged = " ".join(filter(None, words))
    spam = one.answers.get("spam")
    sure = f"{spam.probability:.0%} " if spam is not None and spam.value is not None else ""
    # The folder first: it says most, and a narrow terminal cuts the rest.
    actions = [_done(taken) for taken in sorted(one.taken, key=lambda taken: taken.decision.action != "move")]
    winners: dict[str, int] = {}
    for answer in one.answers.values():
        winner = answer.outcome.winner.partition("+")[0]
        winners[winner] = winners.get(winner, 0) + bool(winner)
    who = " ".join(f"{name}×{count}" if count > 1 else name for name, count in winners.items() if name)
    return (
        str(number),
        sender,
        subject,
        f"{sure}{judged}",
        ", ".join(filter(None, actions)),
        owner,
        who,
        "again" if one.answers and all(a.again for a in one.answers.values()) else dollars(one.spent),
        f"{one.seconds:.1f}" if one.seconds < 100 else f"{one.seconds:.0f}",
    )


def _word(task: str, value: Any) -> str:
    """An answer in one word; what is usual is left out."""
    if value is None:
        return f"{task}?"
    if task == "needs_reply":
        return "answer!" if value else ""
    if task in {"priority", "sentiment"}:
        return "" if value in {"normal", "neutral"} else str(value)
    return str(value)


def _done(taken: Taken) -> str:
    one = taken.decision
    marks = {"tag": "#", "move": "→", "webhook": "@"}
    what = {"forward": "fwd", "reply": "draft", "send": "sent"}.get(one.action) or f"{marks[one.action]}{one.target}"
    before = what if one.mode == "act" else f"{what}?"
    words = {
        "done": what,
        "suggested": f"{what}?",
        "observed": f"({what})",
        "failed": f"{what} failed",
        "before": before,
        "waiting": f"{what}: ask",
        "refused": f"{what} refused",
        "given_up": f"{what} given up",
        "uncertain": f"{what}??",
        "undone": f"{what} undone",
    }
    return words[taken.status]


class ServedView(View):
    """For a run without an end: what was handled earlier is only counted, and no list grows for ever."""

    def handled(self, one: Handled) -> None:
        """A line, where something new came of it."""
        earlier = one.answers and all(answer.again for answer in one.answers.values())
        if not one.problem and earlier and all(taken.status == "before" for taken in one.taken):
            self.tally.seen_before += 1
            return
        super().handled(one)
        for kept in (self.tally.seconds, self.tally.suggestions, self.tally.problems, self.tally.uncertain):
            del kept[:-_KEPT]
