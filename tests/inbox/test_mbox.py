"""An mbox: found by its "From " lines, however it is quoted, and never written nor read while somebody writes it."""

from __future__ import annotations

import fcntl
import hashlib
import subprocess
import sys
from pathlib import Path

import pytest
from tests.inbox.markets import Seen, market, policy, raw, words_decide

from atomic.inbox.mbox import MboxBusy, parts_of, read_part
from atomic.inbox.places import FolderPlace
from atomic.inbox.run import Run, run_inbox
from atomic.inbox.source import Skipped, SourceMail, read_mailbox

BEGIN = b"From ann@example.org Tue Nov 24 07:22:05 2026\n"


def mbox_of(path: Path, *mails: bytes, begin: bytes = BEGIN) -> Path:
    path.write_bytes(b"".join(begin + mail + b"\n" for mail in mails))
    return path


def raws(path: Path) -> list[bytes]:
    return [item.raw for item in read_mailbox(path) if isinstance(item, SourceMail)]


def test_its_mails_are_given_in_their_order_as_they_were_before_they_were_put_there(tmp_path: Path) -> None:
    mails = [b"Subject: one\n\nfirst\n", b"Subject: two\n\nsecond\n\nparagraph\n", b""]

    found = [item for item in read_mailbox(mbox_of(tmp_path / "mbox", *mails)) if isinstance(item, SourceMail)]

    assert mails == [item.raw for item in found]
    assert ["mbox#1", "mbox#2", "mbox#3"] == [item.path.name for item in found]
    assert {"INBOX"} == {item.folder for item in found}
    assert hashlib.sha256(mails[0]).hexdigest() == found[0].key


def test_a_line_of_text_that_begins_with_from_is_no_mail(tmp_path: Path) -> None:
    mail = b"Subject: one\n\nFrom here on\n\nFrom there we went home\nFrom ann@example.org Tue Nov 24 07:22:05 2026\n"

    assert [mail] == raws(mbox_of(tmp_path / "mbox", mail))


def test_quoted_lines_lose_one_quote(tmp_path: Path) -> None:
    path = mbox_of(tmp_path / "mbox", b"\n>From ann at 07:22\n>>From bob\n> From carl\n")

    assert [b"\nFrom ann at 07:22\n>From bob\n> From carl\n"] == raws(path)


def test_windows_line_ends_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "mbox"
    path.write_bytes(b"From a@b Tue Nov 24 07:22:05 2026\r\nSubject: one\r\n\r\ntext\r\n\r\nFrom a 07:22\r\n\r\nx\r\n")

    assert [b"Subject: one\r\n\r\ntext\r\n", b"\r\nx\r\n"] == raws(path)


def test_an_empty_file_holds_no_mail_and_a_file_of_another_kind_is_no_mailbox(tmp_path: Path) -> None:
    assert [] == list(read_mailbox(mbox_of(tmp_path / "empty")))
    (tmp_path / "letter.txt").write_text("From the desk of Ann\n")

    with pytest.raises(NotADirectoryError, match="mbox"):
        read_mailbox(tmp_path / "letter.txt")


def test_a_mail_that_is_too_long_is_given_as_far_as_the_limit(tmp_path: Path) -> None:
    path = mbox_of(tmp_path / "mbox", b"x" * 100 + b"\n", b"y\n")

    first, second = read_mailbox(path, size_limit=10)

    assert isinstance(first, SourceMail)
    assert b"x" * 10 == first.raw
    assert ("102 bytes long: only the first 10 read",) == first.defects
    assert isinstance(second, SourceMail)
    assert b"y\n" == second.raw


def test_a_mail_that_was_removed_meanwhile_is_not_mistaken_for_another(tmp_path: Path) -> None:
    path = mbox_of(tmp_path / "mbox", b"one, which is long\n", b"two\n", b"three\n")
    items = read_mailbox(path)
    next(items)

    mbox_of(path, b"two\n", b"three\n")

    assert all(isinstance(item, Skipped) and "changed" in item.reason for item in items)


def test_a_mail_is_read_though_others_arrived_behind_it(tmp_path: Path) -> None:
    path = mbox_of(tmp_path / "mbox", b"one\n")
    (part,) = parts_of(path)
    with path.open("ab") as file:
        file.write(BEGIN + b"two\n\n")

    assert (b"one\n", 5) == read_part(path, part, 1_000)


def test_a_file_that_is_being_written_is_left_alone(tmp_path: Path) -> None:
    path = mbox_of(tmp_path / "mbox", b"one\n")
    with path.open("rb+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(MboxBusy):
            parts_of(path, patience=0.1)
    assert 1 == len(parts_of(path))


def test_a_file_that_another_process_holds_by_fcntl_is_left_alone(tmp_path: Path) -> None:
    path = mbox_of(tmp_path / "mbox", b"one\n")
    hold = (
        "import fcntl, sys; f = open(sys.argv[1], 'rb+'); fcntl.lockf(f, fcntl.LOCK_EX); print(1, flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(MboxBusy):
            parts_of(path, patience=0.1)
        other.communicate("\n", timeout=10)
    assert 1 == len(parts_of(path))


def test_a_dot_lock_is_waited_for_and_none_is_made(tmp_path: Path) -> None:
    path = mbox_of(tmp_path / "mbox", b"one\n")
    (tmp_path / "mbox.lock").touch()

    with pytest.raises(MboxBusy, match="another program"):
        parts_of(path, patience=0.1)

    (tmp_path / "mbox.lock").unlink()
    assert 1 == len(parts_of(path))
    assert ["mbox"] == [one.name for one in tmp_path.iterdir()]


async def test_an_mbox_is_run_like_a_folder_and_stays_as_it_is(tmp_path: Path) -> None:
    path = mbox_of(
        tmp_path / "mbox",
        raw("You are a winner").replace(b"\r\n", b"\n"),
        raw("The invoice is attached").replace(b"\r\n", b"\n"),
    )
    before, seen, out = path.read_bytes(), Seen(), tmp_path / "out"
    async with market(words_decide()) as made:
        await run_inbox(Run(market=made, root=path, out=out, settings=policy(), watcher=seen))

    assert ["", ""] == [one.problem for one in seen.mails]
    (junk,), (bill,) = list((out / "Junk").iterdir()), list((out / "Billing").iterdir())
    assert raws(path) == [junk.read_bytes(), bill.read_bytes()]
    assert before == path.read_bytes()
    assert 2 == len(list(FolderPlace(out).moved()))
