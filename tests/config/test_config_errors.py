"""A wrong configuration is refused with file, line, key and the nearest valid name."""

import traceback
from pathlib import Path

import pytest

from atomic.config import read_config
from atomic.errors import ConfigError

_HTTP = '[bidders.mini]\nkind = "http"\nurl = "https://example.org/v1"\nmodel = "m"\n'
_PRICE = 'price = { input = "$0.15", output = "$0.60", as_of = "2026-11-01" }\n'
_CAP = '[market]\nper_day = "$1"\n'

# text, line, key, and what else the message says
CASES: dict[str, tuple[str, int, str, str]] = {
    "a wrong type": ("[market]\nledger = 5\n", 2, "market.ledger", "must be a text, in quotes"),
    "a table that is no table": ("market = 5\n", 1, "market", "must be a table"),
    "an unknown key": ('[market]\nperday = "$1"\n', 2, "market.perday", 'did you mean "per_day"?'),
    "an unknown table": ('\n[bidder.words]\nkind = "cache"\n', 2, "bidder", 'did you mean "bidders"?'),
    "an unknown key that is near none": ("[market]\nzzz = 1\n", 2, "market.zzz", "there is engine, ledger, per_day"),
    "an unknown key of a bidder": (
        '[bidders.words]\nkind = "cache"\ncapacty = 5\n',
        3,
        "bidders.words.capacty",
        'did you mean "capacity"?',
    ),
    "an unknown key in an inline table": (
        f'{_CAP}{_HTTP}price = {{ input = "$1", ouput = "$2", output = "$2", as_of = 2026-11-01 }}\n',
        7,
        "bidders.mini.price.ouput",
        'did you mean "output"?',
    ),
    "an unknown key in an array of tables": (
        '[bidders.house]\nkind = "rules"\n[[bidders.house.rules]]\ntask = "spam"\nwhen = {s = "."}\nanswer = 1\n'
        '[[bidders.house.rules]]\ntask = "spam"\nwen = {}\nwhen = {s = "."}\nanswer = 1\n',
        9,
        "bidders.house.rules[1].wen",
        'did you mean "when"?',
    ),
    "an unknown kind": ('[bidders.w]\nkind = "specialst"\n', 1, "bidders.w", 'did you mean "specialist"?'),
    "a missing kind": ("[bidders.w]\n", 1, "bidders.w", "kind is missing: it is one of specialist, naive-bayes"),
    "a duplicate bidder": (
        '[bidders.a]\nkind = "cache"\n[bidders.a]\nkind = "cache"\n',
        3,
        "bidders.a",
        "declared twice",
    ),
    "a duplicate key": ('[market]\nledger = "a"\nledger = "b"\n', 3, "", "Cannot overwrite a value"),
    "a text that is no TOML": ("[market]\nledger =\n", 2, "", "Invalid value"),
    "a missing price": (
        f"{_CAP}{_HTTP}",
        3,
        "bidders.mini.price",
        "is missing: an unknown price is never taken for free",
    ),
    "a missing price by the hour": (
        f'{_CAP}[bidders.s]\nkind = "local"\nmodel = "m.gguf"\n',
        3,
        "bidders.s.usd_per_hour",
        "is missing: an unknown price is never taken for free",
    ),
    "half a price": (
        f'{_CAP}{_HTTP}price = {{ input = "$1", as_of = "2026-11-01" }}\n',
        7,
        "bidders.mini.price.output",
        "is missing",
    ),
    "a price without its date": (
        f'{_CAP}{_HTTP}price = {{ input = "$1", output = "$1" }}\n',
        7,
        "bidders.mini.price.as_of",
        "is missing",
    ),
    "a date that is none": (
        f'{_CAP}{_HTTP}price = {{ input = "$1", output = "$1", as_of = "yesterday" }}\n',
        7,
        "bidders.mini.price.as_of",
        "'yesterday' is not a date",
    ),
    "an amount that is none": ('[market]\nper_day = "1 EUR"\n', 2, "market.per_day", "'1 EUR' is not an amount"),
    "a truth value as an amount": ("[market]\nper_day = true\n", 2, "market.per_day", "not an amount of money"),
    "a negative amount": ("[market]\nper_day = -1\n", 2, "market.per_day", "-1 is not an amount of money"),
    "a price and no cap": (f"{_HTTP}{_PRICE}", 1, "bidders.mini", "has a price, and market.per_day is missing"),
    "another word than the allowed": (
        f'{_CAP}{_HTTP}{_PRICE}accepts = "intern"\n',
        8,
        "bidders.mini.accepts",
        'did you mean "internal"?',
    ),
    "a number out of range": ('[bidders.c]\nkind = "cache"\ncapacity = 0\n', 3, "bidders.c.capacity", "greater than"),
    "a pattern that is none": (
        '[bidders.house]\nkind = "rules"\n[[bidders.house.rules]]\ntask = "spam"\nwhen = {subject = "("}\nanswer = 1\n',
        5,
        "bidders.house.rules[0].when.subject",
        "not a regular expression",
    ),
    "rules without a rule": ('[bidders.house]\nkind = "rules"\n', 1, "bidders.house.rules", "is missing"),
    "a name with a plus": ('[bidders."a+b"]\nkind = "cache"\n', 1, "bidders.a+b", "has no +"),
    "a url that is none": (
        f'{_CAP}[bidders.mini]\nkind = "http"\nurl = "example.org"\nmodel = "m"\n{_PRICE}',
        5,
        "bidders.mini.url",
        "not a URL",
    ),
    "a wrong key of the inbox": (
        '[inbox]\nfoldr = "x"\n',
        2,
        "inbox.foldr",
        'did you mean "folder"?',
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_wrong_configuration_names_file_line_and_key(case: str, tmp_path: Path) -> None:
    text, line, key, says = CASES[case]
    path = tmp_path / "market.toml"
    path.write_text(text)

    with pytest.raises(ConfigError) as caught:
        read_config(path)

    where = f"{path}:{line}: {key}: " if key else f"{path}:{line}: "
    assert where in caught.value.message
    assert says in caught.value.message


SECRETS: dict[str, tuple[str, int]] = {
    "a key in a bidder": (f'{_CAP}{_HTTP}{_PRICE}api_key = "hunter2"\n', 8),
    "a password elsewhere": ('[inbox]\nimap = {password = "hunter2"}\n', 2),
    "a token of its own": ('token = "hunter2"\n', 1),
    "a key in place of its variable's name": (f'{_CAP}{_HTTP}{_PRICE}key_env = "sk-hunter2hunter2hunter2"\n', 8),
    "another secret in place of a variable's name": (f'{_CAP}{_HTTP}{_PRICE}key_env = "hunter2 hunter2"\n', 8),
    "a key in a URL's query": (
        f'{_CAP}[bidders.mini]\nkind = "http"\nurl = "https://example.org/?api-key=hunter2"\nmodel = "m"\n{_PRICE}',
        5,
    ),
    "a password in a URL": (
        f'{_CAP}[bidders.mini]\nkind = "http"\nurl = "https://me:hunter2@example.org"\nmodel = "m"\n{_PRICE}',
        5,
    ),
}


@pytest.mark.parametrize("case", SECRETS)
def test_a_secret_in_the_file_is_refused_and_not_repeated(case: str, tmp_path: Path) -> None:
    text, line = SECRETS[case]
    path = tmp_path / "market.toml"
    path.write_text(text)

    with pytest.raises(ConfigError) as caught:
        read_config(path)

    assert f"{path}:{line}: " in caught.value.message
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


def test_all_that_is_wrong_is_told_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "market.toml"
    path.write_text('[market]\nlegder = "x"\n[bidders.a]\nkind = "cach"\n[inbx]\n')

    with pytest.raises(ConfigError) as caught:
        read_config(path)

    assert [2, 3, 5] == [int(line.removeprefix(f"{path}:").split(":")[0]) for line in caught.value.message.split("\n")]


def test_a_file_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"there is no .*absent\.toml"):
        read_config(tmp_path / "absent.toml")


def test_a_folder_in_place_of_the_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_config(tmp_path)


def test_a_file_that_is_not_utf_8_says_so(tmp_path: Path) -> None:
    (tmp_path / "market.toml").write_bytes(b"[market]\n# \xff\n")

    with pytest.raises(ConfigError, match="not UTF-8 from byte 11 on"):
        read_config(tmp_path / "market.toml")


def test_a_mapping_has_the_same_errors_without_lines() -> None:
    with pytest.raises(ConfigError, match=r'configuration: market\.perday: unknown key; did you mean "per_day"\?'):
        read_config({"market": {"perday": "$1"}})


def test_a_field_of_an_input_may_be_called_like_a_secret() -> None:
    rule = {"task": "spam", "when": {"password": "."}, "answer": "spam"}

    read = read_config({"bidders": {"house": {"kind": "rules", "rules": [rule]}}})

    assert {"house"} == set(read.settings.bidders)
