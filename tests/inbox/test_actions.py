"""Actions as files: they converge, they are recorded before and after, and a draft is a proper mail."""

from __future__ import annotations

import json
from email import message_from_bytes
from email import policy as mail_policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from tests.inbox.markets import folder_of, maildir_of, market, names, policy, raw, words_decide

from atomic.inbox.actions import Actions
from atomic.inbox.case import Case
from atomic.inbox.drafts import answerable, forward, reply
from atomic.inbox.mail import parse
from atomic.inbox.places import FolderPlace, MaildirPlace, Tags, name_of, write_whole
from atomic.inbox.policy import Action, Decision, Mode
from atomic.inbox.source import SourceMail, read_mailbox

CONTENT = raw("Where is my invoice?", subject="Invoice 7 – Grüße", headers=["References: <first@example.org>"])


def decision(action: Action, target: str, mode: Mode = "act") -> Decision:
    return Decision(action=action, target=target, mode=mode, probability=0.99, rule=1)


def only(root: Path) -> SourceMail:
    (item,) = (one for one in read_mailbox(root) if isinstance(one, SourceMail))
    return item


def case_of(source: SourceMail) -> Case:
    return Case(source, parse(source.raw), f"{source.key[:16]}/mail", "Thank you.", "ann@example.org")


def written(content: bytes) -> EmailMessage:
    return message_from_bytes(content, policy=mail_policy.default)


ALL = [
    decision("tag", "billing"),
    decision("forward", "a@example.com"),
    decision("reply", "draft"),
    decision("move", "Billing"),
]


async def test_actions_of_a_folder_leave_the_mails_where_they_were(tmp_path: Path) -> None:
    root, out = folder_of(tmp_path / "in", {"one": CONTENT}), tmp_path / "out"
    source = only(root)
    async with market(words_decide()) as made:
        actions = Actions(made, FolderPlace(out), policy())
        taken = await actions.carry_out(case_of(source), ALL)
        kinds = [event.kind for event in made.ledger.read()]
    assert ["done"] * 4 == [one.status for one in taken]
    name = name_of(parse(CONTENT))
    assert [f"{name}.eml"] == names(out / "Billing")
    assert CONTENT == (out / "Billing" / f"{name}.eml").read_bytes()
    assert [f"{name}.forward.eml", f"{name}.reply.eml"] == names(out / "Outbox")
    assert ["billing"] == json.loads((out / "Tags" / f"{name}.json").read_bytes())["tags"]
    assert ["one.eml"] == names(root)
    assert ["intended"] * 4 + ["action"] * 4 == kinds


async def test_done_again_nothing_changes_and_nothing_is_recorded(tmp_path: Path) -> None:
    root, out = folder_of(tmp_path / "in", {"one": CONTENT}), tmp_path / "out"
    case = case_of(only(root))
    async with market(words_decide()) as made:
        actions = Actions(made, FolderPlace(out), policy())
        await actions.carry_out(case, ALL)
        before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
        events = len(list(made.ledger.read()))
        fresh = Actions(made, FolderPlace(out), policy())
        fresh.load()
        taken = await fresh.carry_out(case, ALL)
        assert ["before"] * 4 == [one.status for one in taken]
        assert events == len(list(made.ledger.read()))
    assert before == {path: path.stat().st_mtime_ns for path in out.rglob("*")}


async def test_a_suggested_draft_is_written_and_marked_and_a_suggested_move_is_only_listed(tmp_path: Path) -> None:
    root, out = folder_of(tmp_path / "in", {"one": CONTENT}), tmp_path / "out"
    case = case_of(only(root))
    async with market(words_decide()) as made:
        actions = Actions(made, FolderPlace(out), policy())
        taken = await actions.carry_out(
            case,
            [
                decision("reply", "draft", "suggest"),
                decision("move", "Billing", "suggest"),
                decision("tag", "x", "observe"),
            ],
        )
    assert ["suggested", "suggested", "observed"] == [one.status for one in taken]
    (draft,) = names(out / "Outbox")
    assert "suggested" == written((out / "Outbox" / draft).read_bytes())["X-Atomic-Status"]
    assert ["Outbox"] == names(out)


async def test_what_was_only_suggested_is_carried_out_once_the_owner_allows_it(tmp_path: Path) -> None:
    root, out = folder_of(tmp_path / "in", {"one": CONTENT}), tmp_path / "out"
    case = case_of(only(root))
    async with market(words_decide()) as made:
        actions = Actions(made, FolderPlace(out), policy())
        await actions.carry_out(case, [decision("move", "Billing", "suggest")])
        taken = await actions.carry_out(case, [decision("move", "Billing")])
    assert ["done"] == [one.status for one in taken]
    assert 1 == len(names(out / "Billing"))


async def test_one_failed_action_does_not_stop_the_others_and_is_tried_again(tmp_path: Path) -> None:
    root, out = folder_of(tmp_path / "in", {"one": CONTENT}), tmp_path / "out"
    out.mkdir()
    (out / "Billing").write_text("in the way")
    case = case_of(only(root))
    async with market(words_decide()) as made:
        actions = Actions(made, FolderPlace(out), policy())
        taken = await actions.carry_out(case, ALL)
        assert ["done", "done", "done", "failed"] == [one.status for one in taken]
        (out / "Billing").unlink()
        assert ["before", "before", "before", "done"] == [one.status for one in await actions.carry_out(case, ALL)]


def test_a_maildir_mail_moves_within_the_maildir_and_stays_unread(tmp_path: Path) -> None:
    root = maildir_of(tmp_path / "mail", {"17.a.host": CONTENT})
    place, source = MaildirPlace(root, tmp_path / "out"), only(root)
    for _ in range(2):  # twice is as once
        place.move(source, "unused", "Billing")
    assert ["17.a.host"] == names(root / ".Billing" / "new")
    assert [] == names(root / "new")


def test_a_move_that_died_between_its_two_steps_ends_with_one_mail(tmp_path: Path) -> None:
    root = maildir_of(tmp_path / "mail", {"17.a.host": CONTENT})
    place, source = MaildirPlace(root, tmp_path / "out"), only(root)
    place.move(source, "unused", "Billing")
    (root / "new" / "17.a.host").write_bytes(CONTENT)  # as if the old name had not gone yet
    place.move(source, "unused", "Billing")
    assert ([], ["17.a.host"]) == (names(root / "new"), names(root / ".Billing" / "new"))


def test_another_mail_of_the_same_name_is_never_overwritten(tmp_path: Path) -> None:
    root = maildir_of(tmp_path / "mail", {"17.a.host": CONTENT})
    source = only(root)
    maildir_of(root / ".Billing", {"17.a.host": b"another"})
    with pytest.raises(FileExistsError):
        MaildirPlace(root, tmp_path / "out").move(source, "unused", "Billing")
    assert b"another" == (root / ".Billing" / "new" / "17.a.host").read_bytes()
    assert ["17.a.host"] == names(root / "new")


def test_a_mail_that_is_filed_anew_leaves_its_old_folder(tmp_path: Path) -> None:
    root, place = folder_of(tmp_path / "in", {"one": CONTENT}), FolderPlace(tmp_path / "out")
    for folder in ("Billing", "Support"):
        place.move(only(root), "name", folder)
    assert ([], ["name.eml"]) == (names(place.out / "Billing"), names(place.out / "Support"))


def test_a_mail_that_vanished_is_filed_from_what_was_read(tmp_path: Path) -> None:
    root, place = folder_of(tmp_path / "in", {"one": CONTENT}), FolderPlace(tmp_path / "out")
    source = only(root)
    source.path.unlink()
    assert CONTENT == place.move(source, "name", "Billing").read_bytes()


def test_tags_add_up_and_keep_what_somebody_wrote_into_the_file(tmp_path: Path) -> None:
    tags, mail = Tags(tmp_path), parse(CONTENT)
    path = tags.add("name", mail, "one")
    content = json.loads(path.read_bytes())
    path.write_text(json.dumps({**content, "tags": ["mine", "one"]}))
    tags.add("name", mail, "two")
    assert ("mine", "one", "two") == tags.read(path)
    assert [(mail.sha256, ("mine", "one", "two"))] == list(tags.all())


def test_a_reply_is_threaded_quotes_and_says_that_a_machine_wrote_it() -> None:
    mail = parse(CONTENT)
    draft = written(reply(mail, "Thank you.", address="ann@example.org", request_id="1/mail", own="me@example.com"))
    assert "Ann <ann@example.org>" == draft["To"]
    assert "me@example.com" == draft["From"]
    assert "Re: Invoice 7 – Grüße" == draft["Subject"]
    assert mail.message_id == draft["In-Reply-To"]
    assert f"<first@example.org> {mail.message_id}" == draft["References"]
    assert "auto-replied" == draft["Auto-Submitted"]
    assert "Thank you.\n\nAnn wrote:\n> Where is my invoice?\n" == draft.get_content().replace("\r\n", "\n")


def test_a_forward_holds_the_original_byte_for_byte() -> None:
    content = forward(parse(CONTENT), CONTENT, to="a@example.com", request_id="1/mail")
    assert CONTENT in content
    draft = written(content)
    assert ("a@example.com", "Fwd: Invoice 7 – Grüße") == (draft["To"], draft["Subject"])
    (attached,) = draft.iter_attachments()
    assert "Invoice 7 – Grüße" == attached.get_content()["Subject"]


def test_the_same_draft_is_the_same_bytes() -> None:
    mail = parse(CONTENT)
    assert 1 == len({reply(mail, "Yes.", address="ann@example.org", request_id="1/mail") for _ in range(3)})
    assert 1 == len({forward(mail, CONTENT, to="a@example.com", request_id="1/mail") for _ in range(3)})


@pytest.mark.parametrize(
    ("headers", "address"),
    [
        ([], "ann@example.org"),
        (["Reply-To: office@example.org"], "office@example.org"),
        (["Reply-To: no-reply@example.org"], ""),
        (["Reply-To: bounces+1@example.org"], ""),
    ],
)
def test_a_reply_goes_to_whom_the_mail_names_and_to_nobody_who_does_not_read(headers: list[str], address: str) -> None:
    assert address == answerable(parse(raw("Hi", headers=headers)))[0]


@pytest.mark.parametrize("sender", ["a@[", "a b@example.org", '"@example.org', "a@example.org\udcff", "ä@exämple.org"])
def test_an_address_that_cannot_be_written_to_is_refused_or_written_never_raised(sender: str) -> None:
    mail = parse(f"From: {sender}\n\nHi".encode("utf-8", "surrogateescape"))
    address, why = answerable(mail)
    assert bool(address) != bool(why)
    if address:
        assert b"To: " in reply(mail, "Yes.", address=address, request_id="1/mail")


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file"
    write_whole(path, b"one")
    write_whole(path, b"two")
    assert (b"two", ["file"]) == (path.read_bytes(), sorted(one.name for one in path.parent.iterdir()))
