"""Corrections: what people do with their mail teaches, and the next similar mail shows it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.inbox.markets import Seen, folder_of, learners, maildir_of, market, names, policy, raw, sure, words_decide

from atomic.config import read_config
from atomic.errors import CallerError, TaskError
from atomic.inbox.actions import Actions
from atomic.inbox.corrections import correct, meaning, not_meaning, truths_of_folder
from atomic.inbox.door import correct_mail, run_path
from atomic.inbox.handler import Handled
from atomic.inbox.places import FolderPlace, MaildirPlace
from atomic.inbox.run import Run, run_inbox
from atomic.inbox.source import SourceMail, read_mailbox
from atomic.inbox.tasks import TASKS, Letter
from atomic.ledger import verify
from atomic.market import Market
from atomic.records.lesson import FeedbackGiven


async def run(made: Market, root: Path) -> Seen:
    seen = Seen()
    await run_inbox(Run(market=made, root=root, out=root.parent / "out", settings=policy(), watcher=seen))
    return seen


def words_of(made: Market) -> int:
    return sum(isinstance(event.payload, FeedbackGiven) for event in made.ledger.read())


def test_a_folder_means_what_the_one_rule_says_that_moves_mail_there() -> None:
    assert {"spam": "spam"} == meaning(policy(), "move", "Junk")
    assert {"category": "billing", "spam": "ham"} == meaning(policy(), "move", "Billing")
    assert {} == meaning(policy(), "move", "Elsewhere")


def test_a_folder_of_two_rules_means_only_what_both_say() -> None:
    rules = [
        {"when": {"category": "billing", "priority": "high"}, "do": {"move": "Money"}},
        {"when": {"category": "sales", "priority": "high"}, "do": {"move": "Money"}},
    ]
    assert {"priority": "high", "spam": "ham"} == meaning(policy(rules=rules), "move", "Money")


def test_leaving_a_folder_says_something_only_where_there_is_one_other_answer() -> None:
    assert {"spam": "ham"} == not_meaning(policy(), "move", "Junk")
    assert {} == not_meaning(policy(), "move", "Billing")


def test_a_folder_without_a_meaning_is_no_correction() -> None:
    with pytest.raises(CallerError, match="folders with one meaning: Junk, Billing, Support"):
        truths_of_folder(policy(), "Elsewhere")


async def test_moving_a_mail_in_a_maildir_teaches_and_it_stays_where_it_was_put(tmp_path: Path) -> None:
    root = maildir_of(tmp_path / "mail", {"1.a": raw("The invoice is attached")})
    async with market(words_decide()) as made:
        await run(made, root)
        _moved(root, "Support")
        seen = await run(made, root)
        assert ["1.a: its owner moved to Support: learned that category is support, not billing"] == [
            note.replace("1.a:2,S", "1.a") for note in seen.notes
        ]
        said = words_of(made)
        assert [] == (await run(made, root)).notes  # said once
        assert said == words_of(made)
    assert ["1.a:2,S"] == names(root / ".Support" / "cur")


def _moved(root: Path, folder: str) -> None:
    for part in ("new", "cur", "tmp"):
        (root / f".{folder}" / part).mkdir(parents=True)
    (root / ".Billing" / "new" / "1.a").rename(root / f".{folder}" / "cur" / "1.a:2,S")


async def test_taking_a_mail_out_of_the_junk_says_that_it_is_none(tmp_path: Path) -> None:
    root = maildir_of(tmp_path / "mail", {"1.a": raw("You are a winner")})
    async with market(words_decide()) as made:
        await run(made, root)
        (root / ".Junk" / "new" / "1.a").rename(root / "new" / "1.a")
        seen = await run(made, root)
    assert ["1.a: its owner moved to INBOX: learned that spam is ham, not spam"] == seen.notes
    assert ["1.a"] == names(root / "new")  # it is the owner's now


async def test_moving_a_result_to_another_folder_teaches(tmp_path: Path) -> None:
    root = folder_of(tmp_path / "in", {"one": raw("The invoice is attached")})
    async with market(words_decide()) as made:
        await run(made, root)
        out = tmp_path / "out"
        (out / "Support").mkdir()
        (name,) = names(out / "Billing")
        (out / "Billing" / name).rename(out / "Support" / name)
        (note,) = (await run(made, root)).notes
    assert note.endswith("learned that category is support, not billing")
    assert ([], [name]) == (names(out / "Billing"), names(out / "Support"))


async def test_changing_a_tag_teaches(tmp_path: Path) -> None:
    root = folder_of(tmp_path / "in", {"one": raw("The invoice is attached")})
    async with market(words_decide()) as made:
        await run(made, root)
        (name,) = names(tmp_path / "out" / "Tags")
        path = tmp_path / "out" / "Tags" / name
        path.write_text(json.dumps({**json.loads(path.read_bytes()), "tags": ["support"]}))
        (note,) = (await run(made, root)).notes
        assert note.endswith("its owner tagged support: learned that category is support, not billing")
        assert [] == (await run(made, root)).notes


def only(root: Path) -> SourceMail:
    (one,) = (item for item in read_mailbox(root) if isinstance(item, SourceMail))
    return one


async def test_a_corrected_mail_is_tagged_and_filed_anew(tmp_path: Path) -> None:
    root, out = folder_of(tmp_path / "in", {"one": raw("The invoice is attached")}), tmp_path / "out"
    async with market(words_decide()) as made:
        await run(made, root)
        for category, folder in (("support", "Support"), ("billing", "Billing")):  # there and back again
            actions = Actions(made, FolderPlace(out), policy())
            actions.load()
            corrected = await correct(made, only(root), policy(), actions, {"category": category})
            assert [("category", category)] == [(task, truth) for task, _, truth in corrected.changes]
            assert 1 == len(names(out / folder))
            (name,) = names(out / "Tags")
            assert [folder.lower()] == json.loads((out / "Tags" / name).read_bytes())["tags"]
            assert {"Billing": 0, "Support": 0} | {folder: 1} == {
                one: len(names(out / one)) for one in ("Billing", "Support")
            }


async def test_no_spam_after_all_then_the_rest_is_asked_and_corrected_too(tmp_path: Path) -> None:
    root, out = folder_of(tmp_path / "in", {"one": raw("You are a winner. Can you help?")}), tmp_path / "out"
    async with market(words_decide()) as made:
        await run(made, root)
        actions = Actions(made, FolderPlace(out), policy())
        actions.load()
        corrected = await correct(made, only(root), policy(), actions, truths_of_folder(policy(), "Billing"))
    assert [("spam", "spam", "ham"), ("category", "support", "billing")] == list(corrected.changes)
    assert ([], 1) == (names(out / "Junk"), len(names(out / "Billing")))
    assert "draft_reply" in corrected.handled.answers


async def test_a_mail_that_belongs_into_no_folder_goes_back_to_the_inbox(tmp_path: Path) -> None:
    root = maildir_of(tmp_path / "mail", {"1.a": raw("The invoice is attached")})
    settings = policy(rules=[{"when": {"category": "billing"}, "do": {"move": "Billing"}}])
    seen, out = Seen(), tmp_path / "out"
    async with market(words_decide()) as made:
        await run_inbox(Run(market=made, root=root, out=out, settings=settings, watcher=seen))
        actions = Actions(made, MaildirPlace(root, out), settings)
        actions.load()
        await correct(made, only(root), settings, actions, {"category": "other"})
        assert (["1.a"], []) == (names(root / "new"), names(root / ".Billing" / "new"))
        await run_inbox(Run(market=made, root=root, out=out, settings=settings, watcher=seen))
        assert [] == seen.notes
    assert ["1.a"] == names(root / "new")


@pytest.mark.parametrize("edited", [False, True])
async def test_a_draft_that_was_wrong_is_taken_back_unless_somebody_worked_on_it(tmp_path: Path, edited: bool) -> None:
    root, out = folder_of(tmp_path / "in", {"one": raw("Is the invoice paid?")}), tmp_path / "out"
    async with market(words_decide()) as made:
        await run(made, root)
        for name in names(out / "Outbox"):
            (out / "Outbox" / name).write_bytes(b"mine") if edited else None
        for spam, left in (("spam", 2 * edited), ("ham", 2)):  # and it is written again when it is right after all
            actions = Actions(made, FolderPlace(out), policy())
            actions.load()
            await correct(made, only(root), policy(), actions, {"spam": spam})
            assert left == len(names(out / "Outbox"))


async def test_a_correction_that_is_no_answer_is_refused(tmp_path: Path) -> None:
    root = folder_of(tmp_path / "in", {"one": raw("Hello")})
    async with market(words_decide()) as made:
        actions = Actions(made, FolderPlace(tmp_path / "out"), policy())
        with pytest.raises(TaskError, match="one of spam, ham"):
            await correct(made, only(root), policy(), actions, {"spam": "maybe"})
        with pytest.raises(CallerError, match="nothing to correct"):
            await correct(made, only(root), policy(), actions, {})


async def test_the_next_similar_mail_shows_what_was_taught(tmp_path: Path) -> None:
    pitch = "We put your shop on page one of every search engine, guaranteed, offer number {}"
    fine = "Your plates arrived whole, many thanks from the whole family, number {}"
    mails = {f"{number:02d}": raw((pitch if number % 2 else fine).format(number)) for number in range(24)}
    root, out = folder_of(tmp_path / "in", mails), tmp_path / "out"
    settings = policy(ask=["spam"], rules=[], concurrency=1)
    async with market([sure("s", "spam", lambda _: "ham", right=0.6, weight=4.0), *learners()]) as made:
        before = await made.run(TASKS["spam"], Letter.model_validate(_letter(pitch.format(90))))

        async def corrected(one: Handled) -> None:
            truth = "spam" if "page one" in one.mail.text else "ham"
            await correct(made, one.source, settings, Actions(made, FolderPlace(out), settings), {"spam": truth})

        run = Run(market=made, root=root, out=out, settings=settings, watcher=Seen(), after=corrected)
        await run_inbox(run)
        after = await made.run(TASKS["spam"], Letter.model_validate(_letter(pitch.format(91))))
    assert ("ham", "spam") == (before.answer, after.answer)
    assert before.winner.startswith("s+")
    assert not after.winner.startswith("s+")


def _letter(text: str) -> dict[str, str]:
    return {
        "sender": "Ann <ann@example.org>",
        "recipients": "me@example.com",
        "subject": "Hello",
        "date": "none",
        "kind": "text/plain",
        "text": text,
    }


async def test_the_doors_run_correct_and_leave_a_whole_ledger(tmp_path: Path) -> None:
    root = folder_of(tmp_path / "in", {"one": raw("The invoice is attached", subject="Invoice")})
    rules = [
        {"task": "spam", "when": {"letter.subject": "."}, "answer": "ham"},
        {"task": "category", "when": {"letter.subject": "."}, "answer": "other"},
    ]
    inbox = {
        **policy().model_dump(mode="json", exclude_none=True),
        "folder": str(tmp_path / "out"),
        "ask": ["spam", "category"],
    }
    config = read_config(
        {
            "market": {"ledger": str(tmp_path / "atomic.db")},
            "bidders": {"house": {"kind": "rules", "rules": rules}},
            "inbox": inbox,
        }
    )
    assert 0 == await run_path(config, root, dry_run=True)
    assert not Path.exists(tmp_path / "atomic.db")
    assert 0 == await run_path(config, root)
    assert 0 == await run_path(config, root, dry_run=True)
    await correct_mail(config, root / "one.eml", {}, folder="Billing")
    assert 1 == len(names(tmp_path / "out" / "Billing"))
    with pytest.raises(CallerError, match="is not a mail"):
        await correct_mail(config, tmp_path / "atomic.db", {"spam": "ham"})
    with pytest.raises(CallerError, match="vanished"):
        await correct_mail(config, root / "none.eml", {"spam": "ham"})
    assert verify(tmp_path / "atomic.db").ok
