"""`atomic prices`: what stands, what a file would change of it, and what is refused before anything is recorded."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from atomic.ledger import LedgerReader
from atomic.records.price import BookPrice, PricesChanged

Run = Callable[..., Result]

CONFIG = """
market.per_day = "$1"
[bidders.mini]
kind = "http"
url = "http://127.0.0.1:9/v1"
model = "m"
price = { input = "$0.15", output = "$0.60", as_of = "2020-01-01" }
[bidders.big]
kind = "anthropic"
model = "b"
price = "book"
[bidders.desk]
kind = "person"
price = "$0.10"
[bidders.seen]
kind = "cache"
"""
TOP = 'as_of = "2020-02-01"\nsource = "the price page"\n'
MINI = '[prices.mini]\ninput = "$0.30"\noutput = "$0.60"\n'
BIG = '[prices.big]\ninput = 3\noutput = 15\nreasoning = "$20"\ncall = "$0.001"\n'


@pytest.fixture
def configured(run: Run) -> Run:
    Path("atomic.toml").write_text(CONFIG)
    return run


def file(text: str, name: str = "prices.toml") -> str:
    Path(name).write_text(text)
    return name


def recorded() -> list[BookPrice]:
    with LedgerReader.open("atomic.db") as ledger:
        found = [event.payload for event in ledger.read(kinds=("prices",))]
    return [price for one in found if isinstance(one, PricesChanged) for price in one.prices]


def test_diff_shows_old_new_and_percent_and_records_nothing(configured: Run) -> None:
    result = configured("prices", "diff", file(TOP + MINI + BIG))

    assert 0 == result.exit_code
    assert ["mini", "input", "per", "M", "tokens", "$0.15", "$0.3", "+100.0", "%"] in [
        line.split() for line in result.output.splitlines()
    ]
    assert "big     reasoning per M tokens  -      $20.00  new" in result.output
    assert not Path("atomic.db").exists()


def test_diff_as_json_has_nano_dollars(configured: Run) -> None:
    result = configured("prices", "diff", file(TOP + MINI), "--json")

    change = {"bidder": "mini", "unit": "input", "old": 150_000_000, "new": 300_000_000, "percent": 100.0}
    assert [change] == json.loads(result.output)


def test_what_is_updated_stands_and_is_recorded_once(configured: Run) -> None:
    assert 0 == configured("prices", "update", file(TOP + MINI)).exit_code
    assert "Nothing is new.\n" == configured("prices", "update", "prices.toml").output

    (price,) = recorded()
    assert ("mini", "2020-02-01", "the price page") == (price.bidder, price.as_of, price.source)
    assert {"input": 300_000_000, "output": 600_000_000} == price.amounts
    assert "$0.3 in, $0.6 out per M tokens, 2020-02-01" in configured("bidders").output
    assert "mini costs input $0.3, output $0.6, as of 2020-02-01" in configured("ledger", "tail").output
    assert 0 == configured("ledger", "verify").exit_code


def test_json_is_taken_as_well(configured: Run) -> None:
    content = {"as_of": "2020-02-01", "source": "x", "prices": {"mini": {"input": "$0.30", "output": 0.6}}}

    assert 0 == configured("prices", "update", file(json.dumps(content), "prices.json")).exit_code
    assert ["mini"] == [one.bidder for one in recorded()]


def test_check_warns_of_age_and_of_who_has_no_price(configured: Run) -> None:
    result = configured("prices", "check")
    assert 1 == result.exit_code
    assert "no price: it does not bid" in result.output
    assert "days old" in result.output

    assert 0 == configured("prices", "update", file(TOP + MINI + BIG)).exit_code
    assert 1 == configured("prices", "check").exit_code
    result = configured("prices", "check", "--max-age", "36500")
    assert 0 == result.exit_code
    assert (
        "big     input $3.00, output $15.00, reasoning $20.00, call $0.001  2020-02-01  the price page" in result.output
    )


@pytest.mark.parametrize("price", ["$1.51", "$0.01", "0"])
def test_more_than_tenfold_either_way_asks_for_yes(configured: Run, price: str) -> None:
    prices = file(TOP + f'[prices.mini]\ninput = "{price}"\noutput = "$0.60"\n')

    result = configured("prices", "update", prices)
    assert 1 == result.exit_code
    assert "mini: input from $0.15 to" in result.stderr
    assert "say --yes" in result.stderr
    assert not Path("atomic.db").exists()
    assert "(!)" in configured("prices", "diff", prices).output

    assert 0 == configured("prices", "update", prices, "--yes").exit_code


def test_an_older_day_than_the_books_asks_for_yes(configured: Run) -> None:
    configured("prices", "update", file(TOP + MINI))
    older = file(TOP.replace("02-01", "01-02") + MINI.replace("0.30", "0.20"))

    assert "older than 2020-02-01" in configured("prices", "update", older).stderr
    assert 0 == configured("prices", "update", older, "--yes").exit_code


def test_the_configuration_stands_again_once_its_day_is_later(configured: Run) -> None:
    configured("prices", "update", file(TOP + MINI))
    Path("atomic.toml").write_text(CONFIG.replace("2020-01-01", "2020-03-01"))

    assert "$0.15 in, $0.6 out per M tokens, 2020-03-01" in configured("bidders").output
    assert "would go on to hold" in configured("prices", "update", "prices.toml").stderr


BAD = {
    "a negative price": (TOP + '[prices.mini]\ninput = "-$1"\noutput = 1\n', "prices.toml:4: prices.mini.input"),
    "no number": (TOP + "[prices.mini]\ninput = nan\noutput = 1\n", "prices.toml:4: prices.mini.input: nan is not"),
    "an infinite price": (TOP + "[prices.mini]\ninput = 1\noutput = inf\n", "prices.toml:5: prices.mini.output"),
    "a truth value": (TOP + "[prices.mini]\ninput = true\noutput = 1\n", "not an amount of money"),
    "an unknown unit": (TOP + MINI + 'unit = "1K tokens"\n', "prices.toml:6: prices.mini.unit: not '1K tokens'"),
    "another kind's unit": (TOP + MINI + 'unit = "hour"\n', "is priced per M tokens"),
    "an unknown key": (TOP + MINI + "per_call = 1\n", 'prices.mini.per_call: unknown key; did you mean "call"?'),
    "an unknown bidder": (TOP + MINI.replace("mini", "mino"), 'there is no such bidder; did you mean "mini"?'),
    "who is free": (TOP + "[prices.seen]\ncall = 1\n", 'a bidder of kind "cache" is free'),
    "what its kind has not": (TOP + MINI + "hour = 1\n", "prices.mini.hour: a bidder of kind"),
    "half a price": (TOP + "[prices.mini]\ninput = 1\n", "prices.mini: output is missing"),
    "another currency": ('currency = "EUR"\n' + TOP + MINI, "prices.toml:1: currency: not 'EUR'; there is USD"),
    "no day": ('source = "x"\n' + MINI, "as_of is missing"),
    "no source": ('as_of = "2020-02-01"\n' + MINI, "source is missing"),
    "a day to come": (TOP.replace("2020", "2999") + MINI, "has not come yet"),
    "no TOML": ("[prices.mini\n", "this is not valid TOML"),
    "nobody": (TOP + "[prices]\n", "prices: must not be empty"),
    "twice": (TOP + MINI + MINI, "prices.toml"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_file_is_refused_whole_with_where_and_what(configured: Run, case: str) -> None:
    text, words = BAD[case]

    result = configured("prices", "update", file(text), "--yes")

    assert 1 == result.exit_code
    assert words in result.stderr
    assert not Path("atomic.db").exists()


def test_a_bidder_twice_in_json_is_refused(configured: Run) -> None:
    name = file('{"as_of": "2020-02-01", "source": "x", "prices": {"mini": {}, "mini": {}}}', "prices.json")

    assert "prices.json: mini: declared twice" in configured("prices", "update", name).stderr


@pytest.mark.usefixtures("market")
def test_a_bidder_given_in_the_code_is_known_by_the_ledger(run: Run) -> None:
    assert 0 == run("prices", "update", file(TOP + '[prices.guess]\ncall = "$0.00001"\n')).exit_code
    assert ["guess"] == [one.bidder for one in recorded()]
