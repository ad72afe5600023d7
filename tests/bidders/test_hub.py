"""Models of a hub: looked up, fetched, gone on with, checked, and found again; against a stand-in on loopback."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.bidders.hub import FILE, HASH, KEY, NAME, Hub, stand_in
from typer.testing import CliRunner

from atomic.bidders.gguf import find_gguf
from atomic.bidders.hub import HubName, fetch, known, look_up
from atomic.cli import app
from atomic.errors import OperatorError


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    with stand_in() as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        monkeypatch.delenv("HF_TOKEN", raising=False)
        yield running


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "atomic"


def test_a_file_is_looked_up_with_its_hash_size_and_licence(hub: Hub) -> None:
    found = look_up(NAME)

    assert (HASH, len(FILE), "apache-2.0") == (found.sha256, found.size, found.licence)
    assert f"{NAME}#sha256={HASH}" == found.pinned


def test_it_is_fetched_checked_and_found_again_without_a_network(hub: Hub, cache: Path) -> None:
    path = fetch(look_up(NAME), cache)
    asked = len(hub.asked)

    assert FILE == path.read_bytes()
    assert path == find_gguf(NAME, cache) == find_gguf(f"{NAME}#sha256={HASH}", cache)
    assert ["apache-2.0"] == [one.licence for one in known(cache)]
    assert asked == len(hub.asked)


def test_what_broke_off_goes_on_where_it_was(hub: Hub, cache: Path) -> None:
    hub.breaks_after = 100_000
    found = look_up(NAME)

    with pytest.raises(OperatorError, match="broke off after 100,000 of"):
        fetch(found, cache)
    path = fetch(found, cache)

    assert FILE == path.read_bytes()
    assert "bytes=100000-" == hub.asked[-1][1]
    assert [] == list(cache.glob("*.part"))


def test_a_hub_that_cannot_go_on_is_asked_for_all_of_it_again(hub: Hub, cache: Path) -> None:
    hub.breaks_after, hub.ranges = 100_000, False
    found = look_up(NAME)
    with pytest.raises(OperatorError):
        fetch(found, cache)

    assert FILE == fetch(found, cache).read_bytes()


def test_what_is_not_what_its_hash_says_is_deleted(hub: Hub, cache: Path) -> None:
    hub.file = FILE[:-1] + b"!"

    with pytest.raises(OperatorError, match="not what its hash says"):
        fetch(look_up(NAME), cache)

    assert [] == list(cache.iterdir())


def test_another_file_than_the_pinned_one_is_refused(hub: Hub) -> None:
    with pytest.raises(OperatorError, match=r"another model-q4\.gguf than the one that is pinned"):
        look_up(f"{NAME}#sha256={'0' * 64}")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("hub:someone/small/other.gguf", "it has: model-q4.gguf"),
        ("hub:someone/none/model.gguf", "no such repository"),
        ("hub:someone/model.gguf", "no model of a hub"),
        ("hub:../../etc/passwd.gguf", "no model of a hub"),
    ],
)
def test_what_is_not_there_is_told(hub: Hub, name: str, said: str) -> None:
    with pytest.raises(OperatorError) as raised:
        look_up(name)

    assert said in f"{raised.value}"


def test_a_key_opens_what_is_gated_and_is_not_carried_to_where_the_files_lie(
    hub: Hub, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.gated = True
    with pytest.raises(OperatorError, match="does not show it"):
        look_up(NAME)
    monkeypatch.setenv("HF_TOKEN", KEY)
    fetch(look_up(NAME), cache)

    keys = {path: key for path, _, key in hub.asked}
    assert "" == keys["/elsewhere"]
    assert f"Bearer {KEY}" == next(key for path, key in keys.items() if "resolve" in path)


def test_without_a_network_it_says_so_and_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")

    with pytest.raises(OperatorError) as raised:
        look_up(NAME)

    assert "cannot be reached" in raised.value.message
    assert "copy the file here" in raised.value.hint


def test_what_was_not_fetched_says_how_to(cache: Path) -> None:
    with pytest.raises(OperatorError) as raised:
        find_gguf(NAME, cache)

    assert f"atomic models pull '{NAME}'" == raised.value.hint


def test_a_revision_may_be_named() -> None:
    name = HubName.of(f"{NAME}@v1.2#sha256={HASH}")

    assert ("v1.2", HASH) == (name.revision, name.sha256)


def test_the_commands_say_the_licence_before_they_fetch_and_list_it_after(hub: Hub) -> None:
    runner = CliRunner()
    looked = runner.invoke(app, ["models", "pull", NAME, "--look"])
    asked = [path for path, _, _ in hub.asked]
    pulled = runner.invoke(app, ["models", "pull", NAME])
    listed = runner.invoke(app, ["models", "list"])

    assert "licence: apache-2.0" in looked.stdout
    assert not any("resolve" in path for path in asked)
    assert f'model = "{NAME}#sha256={HASH}"' in pulled.stdout
    assert HASH in listed.stdout
    assert "apache-2.0" in listed.stdout
