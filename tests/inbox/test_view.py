"""The view: a line for each mail, true sums, and nothing of a stranger's mail that a terminal would obey."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from tests.inbox.markets import folder_of, market, policy, raw, words_decide

from atomic.inbox.run import Run, run_inbox
from atomic.inbox.source import Skipped
from atomic.inbox.tally import Tally
from atomic.inbox.view import View, harmless

HOSTILE = "\x1b[2J\x1b]0;owned\x07\x9b31m[bold red]pay[/] now\u202e!\u2066"


async def shown(tmp_path: Path, mails: dict[str, bytes], *, terminal: bool, width: int = 140) -> str:
    """What the view prints of a run."""
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=terminal, width=width, highlight=False, color_system=None)
    async with market(words_decide()) as made:
        root = folder_of(tmp_path / "in", mails)
        with View(Tally(), console=console, total=len(mails), cap=1_000_000_000) as view:
            await run_inbox(Run(market=made, root=root, out=tmp_path / "out", settings=policy(), watcher=view))
    return screen.getvalue()


async def test_piped_there_is_a_line_for_each_mail_and_no_control_character(tmp_path: Path) -> None:
    mails = {"1": raw("You are a winner", subject="Prize"), "2": raw("The invoice", subject="Bill 7")}
    text = await shown(tmp_path, mails, terminal=False)
    lines = [line for line in text.splitlines() if "Prize" in line or "Bill 7" in line]
    assert 2 == len(lines)
    assert any("→Junk" in line and "spam" in line for line in lines)
    assert any("→Billing" in line and "billing" in line for line in lines)
    assert "2 mails" in text.splitlines()[-1]
    assert not any(ord(one) < 32 and one != "\n" for one in text)


async def test_in_a_terminal_the_state_of_affairs_stays_below_the_lines(tmp_path: Path) -> None:
    text = await shown(tmp_path, {"1": raw("You are a winner", subject="Prize")}, terminal=True)
    assert "the market" in text
    assert "1/1 mails" in text
    assert "s+plain" in text
    assert "of $1.00 a day" in text


@pytest.mark.parametrize("terminal", [True, False])
async def test_a_hostile_mail_cannot_steer_the_terminal(tmp_path: Path, terminal: bool) -> None:
    mail = raw("Hi", subject=HOSTILE, sender=f'"{HOSTILE}" <ann@example.org>')
    text = await shown(tmp_path, {"1": mail}, terminal=terminal, width=160)
    for forbidden in ("\x1b[2J", "\x1b]0", "\x07", "\x9b", "\u202e", "\u2066"):
        assert forbidden not in text
    assert "[bold red]pay" in text  # shown as it stands, not as markup


@pytest.mark.parametrize("width", [60, 80, 100, 120, 150])
async def test_a_line_fits_the_width_of_the_terminal(tmp_path: Path, width: int) -> None:
    mail = raw("The invoice", subject="漢字のとても長い件名 " * 20, sender="Ünï çødé 漢字 <ann@example.org>")
    text = await shown(tmp_path, {"1": mail}, terminal=True, width=width)
    (line,) = [line for line in text.splitlines() if "漢" in line][:1]
    assert cell_len(harmless(line.replace("\x1b[?25l", ""))) <= width  # the live view hides the cursor first


@given(st.text(), st.integers(min_value=2, max_value=60))
def test_harmless_text_is_printable_and_as_narrow_as_asked(text: str, width: int) -> None:
    plain = harmless(text, width)
    assert cell_len(plain) <= width
    assert all(one == " " or not one.isspace() for one in plain)
    assert [] == [one for one in plain if ord(one) < 32 or 127 <= ord(one) < 160 or one in "\u202e\u2066"]


def test_files_that_are_no_mail_are_counted_and_those_that_could_be_are_named() -> None:
    screen = io.StringIO()
    view = View(console=Console(file=screen, width=100))
    view.skipped(Skipped(Path("labels.jsonl"), "not an .eml file"))
    view.skipped(Skipped(Path("7.eml"), "unreadable: Permission denied"))
    assert 2 == view.tally.skipped
    assert ["  · 7.eml: unreadable: Permission denied"] == screen.getvalue().splitlines()


def test_agreement_stands_beside_what_the_commonest_label_would_have_had() -> None:
    tally = Tally(said={"spam": [("ham", "ham"), ("spam", "ham"), ("spam", "spam")]})
    found = tally.agreement("spam")
    assert (2, 3, 2) == (found.right, found.known, found.majority)
