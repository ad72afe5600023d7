"""LangChain's standard tests expect here what they expect of the server's tests."""

from tests.server.conftest import benchmark, pytest_configure, vcr

__all__ = ["benchmark", "pytest_configure", "vcr"]
