"""The names at the top: few, found on first use, and no others."""

import ast
from pathlib import Path

import pytest

import atomic


def test_there_are_at_most_25_of_them() -> None:
    assert len(atomic.__all__) <= 25
    assert sorted(atomic.__all__) == sorted(set(atomic.__all__))


@pytest.mark.parametrize("name", atomic.__all__)
def test_each_of_them_is_found(name: str) -> None:
    assert getattr(atomic, name) is getattr(atomic, name)
    assert name in dir(atomic)


def test_a_type_checker_is_told_of_the_same_names_in_the_same_places() -> None:
    tree = ast.parse(Path(atomic.__file__).read_text(encoding="utf-8"))
    guarded = next(node for node in tree.body if isinstance(node, ast.If))
    told = {
        alias.name: (node.module or "").removeprefix("atomic").removeprefix(".")
        for node in guarded.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }

    assert told == atomic._HOMES
    assert {"__version__", *told} == set(atomic.__all__)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'atomic' has no attribute 'markt'"):
        getattr(atomic, "markt")  # noqa: B009 - the type checker knows already


def test_a_submodule_is_still_found_by_its_own_name() -> None:
    import atomic.records

    assert "atomic.records" == atomic.records.__name__
