"""Secrets come from where the configuration points, and from nowhere else; no error repeats one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest

import atomic
from atomic.config import read_config
from atomic.config.secrets import secret_of
from atomic.config.values import SecretSettings
from atomic.errors import AtomicWarning, ConfigError
from atomic.testing.model_server import model_server


@atomic.microtask(worth="$0.01")
async def mood(text: str) -> Literal["friendly", "angry"]:
    """How does the writer of this text feel?"""
    raise NotImplementedError


def test_from_an_environment_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAIL_PASSWORD", "hidden")
    assert "hidden" == secret_of(SecretSettings(env="MAIL_PASSWORD"), what="the password")


def test_from_a_file_without_its_line_end(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hidden\n")
    (tmp_path / "secret").chmod(0o600)
    assert "hidden" == secret_of(SecretSettings(file=str(tmp_path / "secret")), what="the password")


def test_a_file_that_others_may_read_is_used_with_a_warning(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hidden")
    (tmp_path / "secret").chmod(0o640)
    with pytest.warns(AtomicWarning, match=r"the password: others .* \(mode 0640\): chmod 600 it"):
        assert "hidden" == secret_of(SecretSettings(file=str(tmp_path / "secret")), what="the password")


@pytest.fixture
def keyring_of_ann() -> Iterator[None]:
    keyring = pytest.importorskip("keyring", reason="the extra `keyring` is not installed")
    from keyring.backend import KeyringBackend

    class InMemory(KeyringBackend):
        """A backend, as the library lets everybody add one."""

        priority = 1

        def get_password(self, service: str, username: str) -> str | None:
            return {("mail", "ann"): "hidden", ("models", "ann"): "hidden"}.get((service, username))

        def set_password(self, service: str, username: str, password: str) -> None:
            raise NotImplementedError

    before = keyring.get_keyring()
    keyring.set_keyring(InMemory())  # type: ignore[no-untyped-call]  # the library's constructor
    yield
    keyring.set_keyring(before)


@pytest.mark.usefixtures("keyring_of_ann")
def test_from_the_keyring_for_one_user() -> None:
    assert "hidden" == secret_of(SecretSettings(keyring="mail"), user="ann", what="the password")
    with pytest.raises(ConfigError, match=r"the password: the keyring, service mail holds none"):
        secret_of(SecretSettings(keyring="mail"), user="bob", what="the password")


@pytest.mark.parametrize("content", ["", "\n", "two\nlines"])
def test_what_is_no_secret_of_one_line_is_refused_and_not_repeated(tmp_path: Path, content: str) -> None:
    (tmp_path / "secret").write_text(content)
    (tmp_path / "secret").chmod(0o600)
    with pytest.raises(ConfigError) as refused:
        secret_of(SecretSettings(file=str(tmp_path / "secret")), what="the password")
    assert "lines" not in str(refused.value)


KEYED = {
    "env": {"env": "ATOMIC_TEST_KEY"},
    "file": {"file": "key"},
    "keyring": {"keyring": "models"},
}


@pytest.mark.usefixtures("keyring_of_ann")
@pytest.mark.parametrize("kind", ["http", "anthropic"])
@pytest.mark.parametrize("where", KEYED)
async def test_the_key_of_a_hosted_model_is_read_where_the_configuration_says(
    where: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATOMIC_TEST_KEY", "hidden")
    (tmp_path / "key").write_text("hidden\n")
    (tmp_path / "key").chmod(0o600)
    async with model_server(answer="friendly", key="hidden") as server:
        (tmp_path / "atomic.toml").write_text(
            f'[market]\nledger = ":memory:"\nper_day = "$1"\n[bidders.ann]\nkind = "{kind}"\nurl = "{server.url}"\n'
            'model = "m"\nright = 0.9\nprice = { input = "$0.1", output = "$0.1", as_of = 2026-11-01 }\n'
            f'key = {{ {where} = "{KEYED[where][where]}" }}\n'
        )
        async with atomic.open(tmp_path / "atomic.toml") as market:
            outcome = await market.run(mood, "thank you")

    assert "friendly" == outcome.answer, outcome.explain()
    assert "hidden" not in outcome.explain()


async def test_a_hosted_model_without_its_key_makes_no_bid_that_says_where_it_should_lie(tmp_path: Path) -> None:
    config = tmp_path / "atomic.toml"
    config.write_text(
        '[market]\nledger = ":memory:"\nper_day = "$1"\n[bidders.ann]\nkind = "http"\nurl = "http://127.0.0.1:9"\n'
        'model = "m"\nprice = { input = "$0.1", output = "$0.1", as_of = 2026-11-01 }\nkey = { file = "none" }\n'
    )
    async with atomic.open(config) as market:
        outcome = await market.run(mood, "thank you")

    assert "the key of ann: " in outcome.explain()
    assert "cannot be read: No such file" in outcome.explain()


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ('key_env = "ONE"\nkey = { env = "OTHER" }', "key and key_env: one of them"),
        ('key = { env = "ONE", file = "two" }', "one of env, file and keyring"),
        ("key = {}", "one of env, file and keyring"),
        ('key = { fil = "key" }', 'did you mean "file"?'),
        ('key = "hunter2"', "a secret has no place in a file"),
    ],
)
def test_a_key_lies_in_one_place(keys: str, says: str, tmp_path: Path) -> None:
    config = tmp_path / "atomic.toml"
    config.write_text(
        '[market]\nper_day = "$1"\n[bidders.ann]\nkind = "http"\nurl = "http://127.0.0.1:9"\nmodel = "m"\n'
        f'price = {{ input = "$0.1", output = "$0.1", as_of = 2026-11-01 }}\n{keys}\n'
    )
    with pytest.raises(ConfigError) as refused:
        read_config(config)

    assert says in refused.value.message
    assert "hunter2" not in str(refused.value)
