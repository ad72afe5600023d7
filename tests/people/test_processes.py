"""People answer from another process than the market's, and a market that dies takes its question up again."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from atomic.errors import OperatorError
from atomic.ledger import LedgerReader
from atomic.shop import day_of

CHILD = str(Path(__file__).with_name("asking.py"))
HOSTILE = "pay\x1b[2J\x1b]0;owned\x07 now\u202e!"
CONFIG = """\
[market]
per_day = "$5"
[bidders.desk]
kind = "person"
price = "$0.50"
"""

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a market that asks; what still runs is killed at the end."""
    (tmp_path / "atomic.toml").write_text(CONFIG)
    running: list[subprocess.Popen[str]] = []

    def run(request_id: str = "mail-1", text: str = HOSTILE) -> subprocess.Popen[str]:
        child = subprocess.Popen(
            [sys.executable, CHILD, request_id, text], cwd=tmp_path, stdout=subprocess.PIPE, text=True
        )
        running.append(child)
        return child

    yield run
    for child in running:
        child.kill()
        child.wait()
        if child.stdout is not None:
            child.stdout.close()


def atomic(folder: Path, *arguments: str, typed: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "atomic", *arguments], cwd=folder, input=typed, capture_output=True, text=True
    )


def kinds(folder: Path, *wanted: str) -> list[str]:
    try:
        with LedgerReader.open(folder / "atomic.db") as ledger:
            return [event.kind for event in ledger.read(kinds=wanted)]
    except OperatorError:  # it is being made
        return []


def until_asked(folder: Path) -> None:
    while not kinds(folder, "asked"):
        time.sleep(0.05)


def outcome(child: subprocess.Popen[str]) -> dict[str, Any]:
    told, _ = child.communicate()
    found: dict[str, Any] = json.loads(told)
    return found


def test_an_answer_from_another_process_is_the_outcome_and_is_paid(tmp_path: Path, start: Start) -> None:
    child = start()
    until_asked(tmp_path)

    listed = atomic(tmp_path, "answer")
    answered = atomic(tmp_path, "answer", "mail-1", "--value", "spam", "--as", "ann")

    assert "desk/mail-1" in listed.stdout
    assert (0, "desk/mail-1: ann says spam\n") == (answered.returncode, answered.stdout)
    told = outcome(child)
    assert ("spam", 500_000_000) == (told["answer"], told["cost"])
    assert "nothing waits for a person\n" == atomic(tmp_path, "answer").stdout
    with LedgerReader.open(tmp_path / "atomic.db") as ledger:
        (said,) = ledger.read(kinds=("answered",))
        assert ledger.tokens("ann@example.com") == ledger.subjects(said.bodies[0])  # erased with the input it is about


def test_a_market_that_dies_finds_its_question_again_and_pays_once(tmp_path: Path, start: Start) -> None:
    first = start()
    until_asked(tmp_path)
    first.kill()
    first.wait()
    # Answered while nobody runs: the answer waits in the ledger.
    answered = atomic(tmp_path, "answer", "next", "--value", "ham", "--as", "ann")
    told = outcome(start())

    assert 0 == answered.returncode, answered.stderr
    assert ("ham", 500_000_000, "") == (told["answer"], told["cost"], told["reason"])
    assert ["asked"] == kinds(tmp_path, "asked")
    assert ["started", "finished"] == kinds(tmp_path, "started", "finished")
    with LedgerReader.open(tmp_path / "atomic.db") as ledger:
        today = next(iter(ledger.read(kinds=("started",)))).time_ns
        assert 500_000_000 == ledger.spent(day_of(today))
    replayed = atomic(tmp_path, "replay", "--deep")
    assert 0 == replayed.returncode, replayed.stdout
    assert 0 == atomic(tmp_path, "ledger", "verify").returncode


def test_a_question_left_open_by_ctrl_c_is_answered_after_the_restart(tmp_path: Path, start: Start) -> None:
    first = start()
    until_asked(tmp_path)
    first.send_signal(2)
    first.wait()
    second = start()
    answered = atomic(tmp_path, "answer", "next", "--value", "spam", "--as", "ann")

    assert 0 == answered.returncode, answered.stderr
    assert "spam" == outcome(second)["answer"]
    assert ["asked"] == kinds(tmp_path, "asked")


def test_a_question_cannot_steer_the_terminal(tmp_path: Path, start: Start) -> None:
    child = start()
    until_asked(tmp_path)
    shown = atomic(tmp_path, "answer", "next", "--as", "ann", typed="spam\n")

    assert 0 == shown.returncode, shown.stderr
    assert "pay\\u001b[2J" in shown.stdout
    assert not set("\x1b\x07\u202e") & set(shown.stdout)
    assert "spam" == outcome(child)["answer"]


def test_whoever_declines_costs_nothing(tmp_path: Path, start: Start) -> None:
    child = start()
    until_asked(tmp_path)
    atomic(tmp_path, "answer", "next", "--decline", "--as", "ann")

    told = outcome(child)
    assert (True, 0, "declined", "ann declined") == (told["refused"], told["cost"], told["reason"], told["detail"])


def test_an_empty_line_gives_the_question_back(tmp_path: Path, start: Start) -> None:
    start()
    until_asked(tmp_path)
    back = atomic(tmp_path, "answer", "next", "--as", "ann", typed="\n")
    answered = atomic(tmp_path, "answer", "next", "--value", "spam", "--as", "bob")

    assert back.stdout.endswith("given back\n")
    assert 0 == answered.returncode, answered.stderr


def test_a_question_shown_to_nobody_is_given_back_at_once(tmp_path: Path, start: Start) -> None:
    start()
    until_asked(tmp_path)
    back = atomic(tmp_path, "answer", "next", "--as", "ann", typed="")

    assert back.stdout.endswith("given back\n")
    assert "nobody" in atomic(tmp_path, "answer").stdout


def test_what_is_no_answer_is_refused_with_those_that_are(tmp_path: Path, start: Start) -> None:
    start()
    until_asked(tmp_path)
    wrong = atomic(tmp_path, "answer", "next", "--value", "perhaps", "--as", "ann")

    assert 1 == wrong.returncode
    assert "'perhaps' is no answer to this question\n  one of spam, ham" in wrong.stderr


def test_of_two_who_reach_for_one_question_at_once_exactly_one_is_heard(tmp_path: Path, start: Start) -> None:
    child = start()
    until_asked(tmp_path)
    said = {"ann": "spam", "bob": "ham"}
    both = [
        subprocess.Popen(
            [sys.executable, "-m", "atomic", "answer", "next", "--value", value, "--as", who],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for who, value in said.items()
    ]
    told = [one.communicate()[0] for one in both]

    assert [0, 1] == sorted(one.returncode for one in both)
    heard = next(text for one, text in zip(both, told, strict=True) if one.returncode == 0)
    assert heard.endswith(f"says {outcome(child)['answer']}\n")


def test_two_reviewers_who_disagree_give_no_answer_and_are_both_shown(tmp_path: Path, start: Start) -> None:
    (tmp_path / "atomic.toml").write_text(CONFIG + "reviewers = 2\n")
    child = start()
    until_asked(tmp_path)
    atomic(tmp_path, "answer", "next", "--value", "spam", "--as", "ann")
    again = atomic(tmp_path, "answer", "next", "--value", "spam", "--as", "ann")
    atomic(tmp_path, "answer", "next", "--value", "ham", "--as", "bob")

    told = outcome(child)
    assert "ann has answered it, and another is wanted" in again.stderr
    assert (None, "disagreed", "ann and bob answered differently") == (told["answer"], told["reason"], told["detail"])
    assert 1_000_000_000 == told["cost"]
    shown = atomic(tmp_path, "answer").stdout
    assert 'disagreed on desk/mail-1: ann said "spam"; bob said "ham"' in shown
    assert "disagreed (reason 27): ann and bob answered differently" in atomic(tmp_path, "explain", "last").stdout
