"""Secrets: read where the configuration says that they lie, when they are used, and kept nowhere."""

from __future__ import annotations

import os
import stat
import warnings
from pathlib import Path

from atomic.config.values import SecretSettings
from atomic.errors import AtomicWarning, ConfigError, MissingExtra


def secret_of(settings: SecretSettings, *, user: str = "", what: str) -> str:
    """The secret; `what` names it for people, `user` whose it is in the keyring.

    Raises ConfigError when there is none, MissingExtra without the library for keyrings. Neither repeats it.

    >>> os.environ["EXAMPLE_PASSWORD"] = "hidden"
    >>> secret_of(SecretSettings(env="EXAMPLE_PASSWORD"), what="the password")
    'hidden'
    """
    if settings.env is not None:
        found, where = os.environ.get(settings.env, ""), f"the environment variable {settings.env}"
    elif settings.file is not None:
        found, where = _in_file(Path(settings.file), what), settings.file
    else:
        found, where = _in_keyring(settings.keyring or "", user), f"the keyring, service {settings.keyring}"
    if not found or any(one in found for one in "\r\n\0"):
        raise ConfigError(f"{what}: {where} holds {'no secret of one line' if found else 'none'}")
    return found


def _in_file(path: Path, what: str) -> str:
    try:
        with path.open() as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if mode & 0o077:
                words = f"{what}: others than its owner may use {path} (mode {mode:04o}): chmod 600 it"
                warnings.warn(words, AtomicWarning, stacklevel=2)
            return file.read().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        why = (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
        raise ConfigError(f"{what}: {path} cannot be read: {why}") from None


def _in_keyring(service: str, user: str) -> str:
    try:
        import keyring
    except ModuleNotFoundError:
        raise MissingExtra("keyring is not installed", hint="pip install 'atomic-market[keyring]'") from None
    try:
        return keyring.get_password(service, user) or ""
    except keyring.errors.KeyringError as error:
        raise ConfigError(f"the keyring cannot be read: {type(error).__name__}") from None
