"""Secrets come from where the configuration points, and from nowhere else; no error repeats one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from atomic.errors import AtomicWarning, ConfigError
from atomic.inbox.outside_settings import SecretSettings
from atomic.inbox.secrets import secret_of


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
            return {("mail", "ann"): "hidden"}.get((service, username))

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
