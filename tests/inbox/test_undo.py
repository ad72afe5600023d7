"""`atomic inbox undo`: what can be undone is, once, and stays so; what left the house is told."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

pytest.importorskip("aiosmtpd", reason="the extra `sink` is not installed")
pytest.importorskip("httpx", reason="the extra `http` is not installed")

from tests.inbox.markets import folder_of, maildir_of, market, names, policy, raw, words_decide
from tests.inbox.test_leaving import ASKING, INVOICE, World, world
from typer.testing import CliRunner

from atomic.cli import app
from atomic.inbox.actions import Actions
from atomic.inbox.corrections import correct
from atomic.inbox.only_one import only_runner
from atomic.inbox.places import OUTBOX, TAGS, place_for
from atomic.inbox.source import SourceMail, read_mailbox
from atomic.inbox.undo import Undoing, undo
from atomic.testing.smtp_sink import CUT

FILES = [
    {"when": {"category": "billing"}, "do": {"move": "Billing", "tag": "billing", "forward": "accounts@example.com"}},
    {"when": {"needs_reply": True}, "do": {"reply": "draft"}},
]
ACT = {"tag": 0.1, "move": 0.1, "forward": 0.1, "reply": 0.1}
MAIL = raw("The invoice is attached, is it right?", subject="Invoice")


async def undone(at: World, *, since_ns: int = 0) -> Undoing:
    async with at.ledger() as ledger, market(words_decide(), ledger=ledger) as opened:
        return await undo(opened, since_ns=since_ns)


def lying(folder: Path) -> dict[str, list[str]]:
    """Every file, by its folder."""
    found = {str(one.relative_to(folder)): names(one) for one in folder.rglob("*") if one.is_dir()}
    return {name: [one for one in files if not (folder / name / one).is_dir()] for name, files in found.items()}


@pytest.mark.parametrize("maildir", [False, True])
async def test_moves_tags_and_drafts_go_back_and_stay_so(tmp_path: Path, maildir: bool) -> None:
    async with world(tmp_path, MAIL, maildir=maildir) as at:
        before = {name: files for name, files in lying(tmp_path / "mail").items() if files}
        await at.run(rules=FILES, autonomy=ACT)
        assert 2 == len(names(tmp_path / "out" / OUTBOX))
        first, second = await undone(at), await undone(at)
        again = await at.run(rules=FILES, autonomy=ACT)
    assert (4, [], []) == (len(first.undone), first.left, first.lasting)
    assert ([], [], []) == (second.undone, second.left, second.lasting)
    assert {"undone"} == {one.status for mail in again.mails for one in mail.taken}
    assert [] == again.notes  # and nothing was learned from it
    assert before == {name: files for name, files in lying(tmp_path / "mail").items() if files}
    assert [] == names(tmp_path / "out" / OUTBOX)
    (tags,) = names(tmp_path / "out" / TAGS)
    assert '"tags": []' in (tmp_path / "out" / TAGS / tags).read_text()


async def test_only_what_was_done_since_then(tmp_path: Path) -> None:
    async with world(tmp_path, MAIL) as at:
        await at.run(rules=FILES, autonomy=ACT)
        came = await undone(at, since_ns=time.time_ns())
    assert ([], []) == (came.undone, came.left)
    assert 1 == len(names(tmp_path / "out" / "Billing"))


async def test_a_mail_goes_back_to_where_it_lay_before(tmp_path: Path) -> None:
    async with world(tmp_path, MAIL, maildir=True) as at:
        await at.run(rules=FILES, autonomy=ACT)
        since = time.time_ns()
        (tmp_path / "mail" / ".Billing" / "new" / "0").rename(tmp_path / "mail" / ".Billing" / "cur" / "0:2,S")
        async with at.ledger() as ledger, market(words_decide(), ledger=ledger) as opened:
            (item,) = [one for one in read_mailbox(tmp_path / "mail") if isinstance(one, SourceMail)]
            rules = [*FILES, {"when": {"category": "support"}, "do": {"move": "Support"}}]
            settings = policy(rules=rules, autonomy=ACT)
            actions = Actions(opened, place_for(tmp_path / "mail", tmp_path / "out"), settings)
            actions.load()
            await correct(opened, item, settings, actions, {"category": "support"})
        assert ["0:2,S"] == names(tmp_path / "mail" / ".Support" / "cur")
        came = await undone(at, since_ns=since)
    assert ["0:2,S"] == names(tmp_path / "mail" / ".Billing" / "cur")
    assert 1 == sum("move" in one for one in came.undone)


async def test_what_its_owner_has_changed_since_is_left_and_told(tmp_path: Path) -> None:
    async with world(tmp_path, MAIL, maildir=True) as at:
        await at.run(rules=FILES, autonomy=ACT)
        for draft in (tmp_path / "out" / OUTBOX).iterdir():
            draft.write_bytes(draft.read_bytes() + b"\nMy own words.\n")
        mine = maildir_of(tmp_path / "mail" / ".Mine", {})
        (tmp_path / "mail" / ".Billing" / "new" / "0").rename(mine / "new" / "0")
        came = await undone(at)
    assert 3 == len(came.left)
    assert [True] == ["tag billing" in one for one in came.undone]
    assert (["0"], 2) == (names(mine / "new"), len(names(tmp_path / "out" / OUTBOX)))


async def test_what_left_the_house_is_told_as_it_is_known(tmp_path: Path) -> None:
    async with world(tmp_path, ASKING, INVOICE) as at:
        at.hook.play = 503
        await at.run(autonomy={"send": 0.1, "webhook": 0.1})
        at.smtp.plays["data"], at.hook.play = CUT, None
        (at.folder / "mail" / "more.eml").write_bytes(raw("Where is the other?"))
        await at.run(autonomy={"send": 0.1, "webhook": 0.1})
        came, again = await undone(at), await undone(at)
    assert ([], []) == (came.undone, came.left)
    assert came.lasting == again.lasting
    sent = [one for one in came.lasting if ": sent, " in one]
    assert 2 == len(sent)
    assert 1 == sum(one.startswith("webhook crm") and ": told, " in one for one in came.lasting)
    assert 1 == sum("mail to ann@example.org" in one and "perhaps sent" in one for one in came.lasting)
    assert 4 == len(came.lasting)


async def test_a_correction_does_again_what_was_undone(tmp_path: Path) -> None:
    async with world(tmp_path, MAIL) as at:
        await at.run(rules=FILES, autonomy=ACT)
        await undone(at)
        async with at.ledger() as ledger, market(words_decide(), ledger=ledger) as opened:
            settings = policy(rules=FILES, autonomy=ACT)
            (item,) = [one for one in read_mailbox(tmp_path / "mail") if isinstance(one, SourceMail)]
            actions = Actions(opened, place_for(tmp_path / "mail", tmp_path / "out"), settings)
            actions.load()
            await correct(opened, item, settings, actions, {"category": "billing"})
    assert (1, 2) == (len(names(tmp_path / "out" / "Billing")), len(names(tmp_path / "out" / OUTBOX)))


def test_the_command_undoes_and_refuses_while_a_mailbox_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder_of(tmp_path / "mail", {"a": MAIL})
    (tmp_path / "atomic.toml").write_text("""
[bidders.house]
kind = "rules"
rules = [{ task = "category", when = { text = "" }, answer = "billing" }]
[inbox]
folder = "out"
ask = ["category"]
autonomy = { move = 0.1 }
rules = [{ when = { category = "billing" }, do = { move = "Billing" } }]
""")
    runner = CliRunner()
    assert 0 == runner.invoke(app, ["inbox", "run", "mail"]).exit_code
    assert 1 == len(names(tmp_path / "out" / "Billing"))
    with only_runner(tmp_path / "mail", tmp_path / "atomic.db"):
        refused = runner.invoke(app, ["inbox", "undo", "--last", "1h"])
    assert (1, True) == (refused.exit_code, str(os.getpid()) in refused.output)
    undoing = runner.invoke(app, ["inbox", "undo", "--last", "1h"])
    assert (0, True) == (undoing.exit_code, undoing.output.startswith("undone: move Billing"))
    assert [] == names(tmp_path / "out" / "Billing")
    assert "nothing to undo\n" == runner.invoke(app, ["inbox", "undo", "--last", "1h"]).output
    assert 2 == runner.invoke(app, ["inbox", "undo", "--last", "yesterday"]).exit_code
