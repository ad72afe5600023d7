"""docs/configuration.md and examples/atomic.toml say what the configuration takes, all of it, and nothing else."""

import datetime
import re
import tomllib
from pathlib import Path

import pytest

from atomic.config import read_config
from atomic.config.governing import GovernSettings, LoginSettings
from atomic.config.outsiders import ObserveSettings
from atomic.config.prices import Payees, PriceEntry, PriceFile, read_price_file
from atomic.config.settings import KINDS, MarketSettings, Price, RuleSettings, TaskSettings
from atomic.config.values import SecretSettings, Table
from atomic.inbox.outside_settings import SmtpSettings, WebhookSettings
from atomic.inbox.policy_settings import AutonomySettings, DoSettings, InboxSettings, TermsSettings

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")

TABLES: dict[str, type[Table]] = {
    "market": MarketSettings,
    "task": TaskSettings,
    "observe": ObserveSettings,
    "govern": GovernSettings,
    "govern.login": LoginSettings,
    **{f"bidders of kind {kind}": model for kind, model in KINDS.items()},
    "price": Price,
    "a price file": PriceFile,
    "key": SecretSettings,
    "prices of a price file": PriceEntry,
    "rules": RuleSettings,
    "inbox": InboxSettings,
    "inbox.autonomy": AutonomySettings,
    "inbox.smtp": SmtpSettings,
    "inbox.terms": TermsSettings,
    "inbox.webhooks": WebhookSettings,
    "do of the inbox's rules": DoSettings,
}


@pytest.mark.parametrize("name", TABLES)
def test_every_key_is_explained(name: str) -> None:
    assert [] == [key for key in TABLES[name].model_fields if f"`{key}`" not in PAGE]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_explained(kind: str) -> None:
    assert re.search(rf"^### .*`{kind}`", PAGE, re.MULTILINE)


@pytest.mark.parametrize("text", re.findall(r"^```toml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))
def test_every_configuration_in_the_page_is_right(text: str) -> None:
    assert read_config(tomllib.loads(text)).digest


def test_the_example_is_right_and_shows_every_kind() -> None:
    settings = read_config(ROOT / "examples" / "atomic.toml").settings

    assert set(KINDS) == {bidder.kind for bidder in settings.bidders.values()}


@pytest.mark.parametrize(
    ("kind", "key", "default"),
    re.findall(r"`(neighbours|cache)`\n.*?`(count|capacity)` \(([\d ]+)\)", PAGE, re.DOTALL),
)
def test_a_default_in_the_page_is_the_one_that_holds(kind: str, key: str, default: str) -> None:
    assert int(default.replace(" ", "")) == KINDS[kind].model_fields[key].default


def test_the_price_file_in_the_page_is_right(tmp_path: Path) -> None:
    (text,) = re.findall(r"^```text\n(as_of.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    (tmp_path / "prices.toml").write_text(text)
    bidders = read_config(
        {
            "market": {"per_day": 1},
            "bidders": {
                "mini": {"kind": "http", "url": "http://127.0.0.1:9", "model": "m", "price": "book"},
                "tiny": {"kind": "local", "model": "m", "usd_per_hour": 0},
                "desk": {"kind": "person", "price": 1},
            },
        }
    ).settings.bidders

    payees = Payees(bidders=bidders, others=frozenset(), today=datetime.date(2026, 11, 24))
    assert ["mini", "tiny", "desk"] == [one.bidder for one in read_price_file(tmp_path / "prices.toml", payees)]
