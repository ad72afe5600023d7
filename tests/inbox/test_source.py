"""Reading a mailbox that is somebody else's and alive."""

import hashlib
import io
import json
import os
import tarfile
from pathlib import Path

import pytest

from atomic.inbox.pack import PackMail, read_pack
from atomic.inbox.source import Skipped, SourceMail, read_mailbox


def write(path: Path, raw: bytes = b"Subject: x\n\nHello\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(raw)
    return path


def mails(root: Path) -> list[tuple[str, str]]:
    return [(item.folder, item.path.name) for item in read_mailbox(root) if isinstance(item, SourceMail)]


def skipped(root: Path) -> dict[str, str]:
    return {item.path.name: item.reason for item in read_mailbox(root) if isinstance(item, Skipped)}


def maildir(root: Path) -> Path:
    for part in ("new", "cur", "tmp"):
        (root / part).mkdir(parents=True)
    return root


def test_a_folder_is_read_recursively_in_the_order_of_its_paths(tmp_path: Path) -> None:
    for name in ("b.eml", "a/z.eml", "a/deep/y.EML", "10.eml", "9.eml"):
        write(tmp_path / name)
    expected = [("INBOX", "10.eml"), ("INBOX", "9.eml"), ("a/deep", "y.EML"), ("a", "z.eml"), ("INBOX", "b.eml")]
    assert expected == mails(tmp_path)


def test_the_key_is_the_hash_of_the_bytes(tmp_path: Path) -> None:
    path = write(tmp_path / "a.eml", b"abc")
    assert [SourceMail(hashlib.sha256(b"abc").hexdigest(), path, "INBOX", b"abc")] == list(read_mailbox(tmp_path))


def test_what_is_no_mail_is_skipped_with_its_reason(tmp_path: Path) -> None:
    write(tmp_path / ".hidden.eml")
    write(tmp_path / ".git" / "a.eml")
    write(tmp_path / "notes.txt")
    write(tmp_path / "a.eml")
    assert {".hidden.eml": "hidden", ".git": "hidden", "notes.txt": "not an .eml file"} == skipped(tmp_path)
    assert [("INBOX", "a.eml")] == mails(tmp_path)


def test_no_symbolic_link_is_followed(tmp_path: Path) -> None:
    secret = write(tmp_path / "outside" / "secret.eml")
    box = tmp_path / "box"
    write(box / "a.eml")
    (box / "link.eml").symlink_to(secret)
    (box / "folder").symlink_to(secret.parent)
    (box / "loop").symlink_to(box)
    assert [("INBOX", "a.eml")] == mails(box)
    assert {"symbolic link: not followed"} == set(skipped(box).values())


def test_a_named_pipe_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.eml")
    assert {"pipe.eml": "not a regular file"} == skipped(tmp_path)


def test_a_large_mail_is_read_as_far_as_the_limit(tmp_path: Path) -> None:
    write(tmp_path / "a.eml", b"x" * 1_000)
    (item,) = read_mailbox(tmp_path, size_limit=100)
    assert isinstance(item, SourceMail)
    assert (b"x" * 100, ("1000 bytes long: only the first 100 read",)) == (item.raw, item.defects)


def test_a_file_that_vanishes_before_its_turn_is_reported(tmp_path: Path) -> None:
    write(tmp_path / "a.eml")
    write(tmp_path / "b.eml")
    items = read_mailbox(tmp_path)
    next(items)
    (tmp_path / "b.eml").unlink()
    assert [Skipped(tmp_path / "b.eml", "vanished before it was read")] == list(items)


def test_a_file_that_becomes_a_link_before_its_turn_is_not_followed(tmp_path: Path) -> None:
    secret = write(tmp_path / "secret")
    write(tmp_path / "box" / "a.eml")
    write(tmp_path / "box" / "b.eml")
    items = read_mailbox(tmp_path / "box")
    next(items)
    (tmp_path / "box" / "b.eml").unlink()
    (tmp_path / "box" / "b.eml").symlink_to(secret)
    (item,) = items
    assert isinstance(item, Skipped)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_is_reported(tmp_path: Path) -> None:
    write(tmp_path / "a.eml").chmod(0)
    assert {"a.eml": "unreadable: Permission denied"} == skipped(tmp_path)


def test_folders_nested_beyond_reason_are_reported(tmp_path: Path) -> None:
    write(tmp_path.joinpath(*["d"] * 60) / "a.eml")
    assert {"d": "folders nested deeper than 50"} == skipped(tmp_path)


def test_a_file_name_that_is_no_text_is_read(tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path) + b"/\xff"
    os.mkdir(folder)  # noqa: PTH102 - pathlib takes no bytes
    write(Path(os.fsdecode(folder)) / "a.eml")
    assert [("\ufffd", "a.eml")] == mails(tmp_path)


def test_a_maildir_is_read_folder_by_folder_in_order_of_delivery(tmp_path: Path) -> None:
    box = maildir(tmp_path / "box")
    write(box / "cur" / "1700000001.a:2,S")
    write(box / "new" / "1700000000.b")
    write(box / "tmp" / "1700000002.c")
    write(box / "cur" / ".hidden")
    write(box / "dovecot.index")
    write(maildir(box / ".Done.2024") / "cur" / "1600000000.d:2,")
    expected = [("INBOX", "1700000000.b"), ("INBOX", "1700000001.a:2,S"), ("Done.2024", "1600000000.d:2,")]
    assert expected == mails(box)
    assert {".hidden": "hidden", "dovecot.index": "not part of the Maildir's mail"} == skipped(box)


def test_a_mail_that_another_program_moves_meanwhile_is_still_read_once(tmp_path: Path) -> None:
    box = maildir(tmp_path / "box")
    write(box / "new" / "1.a")
    moving = write(box / "new" / "2.b")
    items = read_mailbox(box)
    next(items)
    moving.rename(box / "cur" / "2.b:2,S")
    assert [("INBOX", "2.b:2,S")] == [(i.folder, i.path.name) for i in items if isinstance(i, SourceMail)]


def test_only_the_mail_in_turn_is_read(tmp_path: Path) -> None:
    for name in ("a.eml", "b.eml"):
        write(tmp_path / name)
    items = read_mailbox(tmp_path)
    next(items)
    write(tmp_path / "b.eml", b"written later")
    (item,) = items
    assert isinstance(item, SourceMail)
    assert b"written later" == item.raw


def test_a_mailbox_that_is_missing_or_a_file_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no such mailbox"):
        read_mailbox(tmp_path / "none")
    with pytest.raises(NotADirectoryError, match=r"a folder of \.eml files or a Maildir"):
        read_mailbox(write(tmp_path / "a.eml"))


def pack(folder: Path, contents: dict[str, bytes], labels: list[dict[str, str]]) -> Path:
    with tarfile.open(folder / "mail.tar.xz", "w:xz") as archive:
        for name, raw in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(raw)
            archive.addfile(member, io.BytesIO(raw))
    (folder / "labels.jsonl").write_text("".join(json.dumps(row) + "\n" for row in labels), encoding="utf-8")
    return folder


def test_a_pack_gives_id_bytes_and_label(tmp_path: Path) -> None:
    row = {"id": "a/1", "label": "ham", "sha256": hashlib.sha256(b"x").hexdigest()}
    assert [PackMail("a/1", b"x", "ham")] == list(read_pack(pack(tmp_path, {"a/1": b"x"}, [row])))


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([], "mail a has no label"),
        ([{"id": "a", "label": "ham"}, {"id": "b", "label": "ham"}], "1 labels without a mail, the first is b"),
        ([{"id": "a", "label": "ham", "sha256": "00"}], "mail a is not the one that was labelled"),
        ([{"id": "a"}], r"line 1: an object with the texts id and label"),
    ],
)
def test_a_pack_that_does_not_fit_its_labels_is_refused(
    tmp_path: Path, labels: list[dict[str, str]], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        list(read_pack(pack(tmp_path, {"a": b"x"}, labels)))


def test_the_real_pack_is_read_whole(atomic_data: Path) -> None:
    labels = [item.label for item in read_pack(atomic_data / "mail")]
    assert (720, 480) == (labels.count("ham"), labels.count("spam"))
