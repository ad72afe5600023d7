"""Plug-ins: the template passes the contract suites as an installed package, and what is wrong with one is told."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any, Literal

import pytest

import atomic
from atomic.config.plugins import PluginSettings, offered, plugged_bidder, plugged_parser, plugged_tactic
from atomic.errors import ConfigError, OperatorError
from atomic.protocols import Parsed

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "examples" / "plugin"

BROKEN = """
import nowhere_at_all
"""
STRANGE = """
class Thing:
    name = "other"
    def sketch(self, *_): ...
    def plan(self, *_): ...
def bidder(name):
    return Thing()
def raises(name, **options):
    raise KeyError(options)
"""


@atomic.microtask(worth="$0.001", explore=False)
async def mood(text: str) -> Literal["angry", "calm"]:
    """In which mood was this written?"""
    raise NotImplementedError


def installed(folder: Path, name: str, groups: dict[str, dict[str, str]]) -> None:
    """What installing a package leaves behind, as far as entry points are concerned."""
    info = folder / f"{name.replace('-', '_')}-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.1.0\n")
    lines = [
        line
        for group, points in groups.items()
        for line in (f"[{group}]", *(f"{key} = {value}" for key, value in points.items()))
    ]
    (info / "entry_points.txt").write_text("\n".join(lines))


@pytest.fixture
def template(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    project = tomllib.loads((TEMPLATE / "pyproject.toml").read_text())["project"]
    installed(tmp_path, project["name"], project["entry-points"])
    monkeypatch.syspath_prepend(str(TEMPLATE / "src"))
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


@pytest.fixture
def strange(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "strange_plugin.py").write_text(STRANGE)
    (tmp_path / "broken_plugin.py").write_text(BROKEN)
    bidders = {"none": "strange_plugin:bidder", "raises": "strange_plugin:raises", "broken": "broken_plugin:x"}
    tactics = {"misnamed": "strange_plugin:Thing"}
    installed(tmp_path, "strange", {"atomic.bidders": bidders, "atomic.tactics": tactics})
    monkeypatch.syspath_prepend(str(tmp_path))


def test_the_template_passes_the_contract_suites_as_an_installed_package(template: Path) -> None:
    path = os.pathsep.join([str(template), str(TEMPLATE / "src")])
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]

    ran = subprocess.run(
        command, cwd=TEMPLATE, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False
    )

    assert 0 == ran.returncode, ran.stdout
    assert "4 passed" in ran.stdout


async def test_a_plugged_bidder_answers_by_its_options(template: Path) -> None:
    loud = {"kind": "plugin", "plugin": "shouting", "options": {"mark": "?!"}}
    config = {"market": {"ledger": ":memory:", "per_day": "$1"}, "bidders": {"loud": loud}}
    async with atomic.open(config) as market:
        answers = [(await market.run(mood, text)).answer for text in ("Really?!", "Really.")]

    assert ["angry", "calm"] == answers


async def test_a_bidder_that_is_not_installed_does_not_bid_and_says_so() -> None:
    loud = {"kind": "plugin", "plugin": "shouting-else"}
    config = {"market": {"ledger": ":memory:", "per_day": "$1"}, "bidders": {"loud": loud}}
    async with atomic.open(config) as market:
        told = (await market.run(mood, "Really?!")).explain()

    assert "there is no plug-in 'shouting-else' among atomic.bidders" in told


async def test_a_tactic_or_engine_that_is_not_installed_is_refused_with_those_there_are(template: Path) -> None:
    with pytest.raises(ConfigError, match="one-mesage") as raised:
        async with atomic.open({"market": {"ledger": ":memory:", "tactics": ["one-mesage"]}}):
            pass
    with pytest.raises(OperatorError, match="to-a-letter") as unread:
        async with atomic.open({"market": {"ledger": ":memory:", "engine": "to-a-letter"}}):
            pass

    assert "one-message" in raised.value.hint
    assert "to-the-letter" in unread.value.hint


@pytest.mark.parametrize(
    ("plugin", "options", "said"),
    [
        ("none", {}, "made a Thing without profile, offer, attempt, close"),
        ("raises", {"key": "s3cret"}, "raised KeyError when it was made"),
        ("broken", {}, "cannot be loaded: ModuleNotFoundError"),
    ],
)
@pytest.mark.usefixtures("strange")
def test_what_is_wrong_with_a_plug_in_is_told_without_its_options(
    plugin: str, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(OperatorError) as raised:
        plugged_bidder("x", PluginSettings(kind="plugin", plugin=plugin, options=options))

    assert said in raised.value.message
    assert "s3cret" not in f"{raised.value}"


@pytest.mark.usefixtures("strange")
def test_a_tactic_has_the_name_of_its_entry_point() -> None:
    with pytest.raises(OperatorError, match="another name"):
        plugged_tactic("misnamed")


def test_an_engine_that_reads_is_found(template: Path) -> None:
    assert Parsed("calm") == plugged_parser("to-the-letter").parse(mood, "Calm.")
    assert ["to-the-letter"] == offered("engines")
