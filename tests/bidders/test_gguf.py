"""A model's file is found where it is said to be, or the error says what is missing, and where."""

import hashlib
from pathlib import Path

import pytest

from atomic.bidders.gguf import find_gguf
from atomic.errors import OperatorError

CONTENT = b"GGUF" + bytes(range(256)) * 10
HASH = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def package(folder: Path, name: str, files: dict[str, bytes]) -> None:
    (folder / name / "data").mkdir(parents=True)
    (folder / name / "__init__.py").write_text("raise RuntimeError('a package of data is never imported')")
    for file, content in files.items():
        (folder / name / file).write_bytes(content)


def parts(folder: Path, content: bytes = CONTENT) -> None:
    for number in range(3):
        piece = content[number * 1000 : (number + 1) * 1000]
        package(folder, f"model_of_part{number + 1}", {f"data/part{number + 1:02}.bin": piece})


def test_a_path_is_a_path(tmp_path: Path) -> None:
    (tmp_path / "model.gguf").write_bytes(CONTENT)

    assert tmp_path / "model.gguf" == find_gguf(tmp_path / "model.gguf")


def test_a_package_is_looked_into_and_never_imported(packages: Path) -> None:
    package(packages, "some_model", {"data/m.gguf": CONTENT, "readme.txt": b"hi"})

    assert packages / "some_model" / "data" / "m.gguf" == find_gguf("package:some-model")


def test_parts_are_joined_once_into_the_cache_and_checked(packages: Path) -> None:
    parts(packages)
    cache = packages / "cache"

    found = find_gguf(f"package:model-of-part1..3#sha256={HASH}", cache)

    assert CONTENT == found.read_bytes()
    assert [found] == list(cache.iterdir())
    (packages / "model_of_part2" / "data" / "part02.bin").unlink()
    assert found == find_gguf(f"package:model-of-part1..3#sha256={HASH}", cache)


def test_parts_that_do_not_join_to_the_expected_model_are_refused_and_leave_nothing(packages: Path) -> None:
    parts(packages, CONTENT[:-1] + b"!")

    with pytest.raises(OperatorError, match="do not join"):
        find_gguf(f"package:model-of-part1..3#sha256={HASH}", packages / "cache")

    assert [] == list((packages / "cache").iterdir())


def test_parts_without_a_hash_are_refused(packages: Path) -> None:
    parts(packages)

    with pytest.raises(OperatorError, match="no hash is known"):
        find_gguf("package:model-of-part1..3", packages / "cache")


def test_the_error_says_what_is_missing_and_where(packages: Path) -> None:
    (packages / "broken.gguf").write_bytes(b"<html>not found</html>")
    package(packages, "two_models", {"a.gguf": CONTENT, "b.gguf": CONTENT})
    for model, said in {
        str(packages / "absent.gguf"): "absent.gguf cannot be read",
        str(packages / "broken.gguf"): "broken.gguf is not a GGUF file",
        str(packages): "cannot be read",
        "package:not-installed-anywhere": "not-installed-anywhere is not installed",
        "package:two-models": "holds 2 GGUF files",
        f"package:absent-part1..2#sha256={HASH}": "absent-part1 is not installed",
    }.items():
        with pytest.raises(OperatorError, match=said):
            find_gguf(model, packages / "cache")
