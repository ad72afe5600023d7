"""`make test` tests the wheel that would be released, not the source tree."""

import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path

import pytest

import atomic


@pytest.mark.skipif(os.environ.get("ATOMIC_TEST_WHEEL") != "1", reason="not under `make test`: no wheel was built")
def test_atomic_comes_from_the_wheel_and_not_from_src(pytestconfig: pytest.Config) -> None:
    package = Path(atomic.__file__).resolve()
    source = (pytestconfig.rootpath / "src").resolve()

    assert package.is_relative_to(Path(sys.prefix).resolve())
    assert not package.is_relative_to(source)
    assert [entry for entry in sys.path if Path(entry).resolve() == source] == []


@pytest.mark.skipif(os.environ.get("ATOMIC_TEST_WHEEL") != "1", reason="not under `make test`: no wheel was built")
def test_a_child_process_imports_the_wheel_too(tmp_path: Path) -> None:
    code = "import atomic; print(atomic.__file__)"
    printed = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True, text=True)

    assert str(Path(atomic.__file__)) == printed.stdout.strip()


def test_the_wheel_holds_every_module_of_the_source_tree(pytestconfig: pytest.Config) -> None:
    source = pytestconfig.rootpath / "src" / "atomic"
    package = Path(atomic.__file__).parent
    hidden = {"__pycache__"}

    def files(folder: Path) -> set[str]:
        return {
            str(path.relative_to(folder))
            for path in folder.rglob("*")
            if path.is_file() and not hidden & set(path.parts)
        }

    assert files(source) == files(package)


def test_the_version_is_written_once_in_each_place_and_equal() -> None:
    assert importlib.metadata.version("atomic-market") == atomic.__version__
