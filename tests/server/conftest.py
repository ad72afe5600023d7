"""What LangChain's standard tests expect of pytest, whose plugins for it are switched off here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


def pytest_configure(config: pytest.Config) -> None:
    for marker in ("benchmark: LangChain's", "vcr: LangChain's"):
        config.addinivalue_line("markers", marker)


@pytest.fixture
def benchmark() -> Callable[..., Any]:
    """Runs what is to be timed, untimed."""
    return lambda function, *args, **kwargs: function(*args, **kwargs)


@pytest.fixture
def vcr() -> Any:
    """Nothing is recorded."""
    return pytest.skip("it compares recordings, and none are made")
