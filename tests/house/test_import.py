"""`import atomic` is cheap and does nothing: no thread, no file, no heavy library."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

# Run in a bare interpreter: the audit hook sees every file that is opened, whoever opens it.
_PROBE = """
import json, os, sys, threading
opened = []
def note(event, arguments):
    if event == "open" and isinstance(arguments[0], (str, bytes, os.PathLike)):
        opened.append(os.fsdecode(arguments[0]))
before = set(sys.modules)
sys.addaudithook(note)
import atomic
seen = list(opened)
tasks = len(os.listdir("/proc/self/task")) if os.path.isdir("/proc/self/task") else 1
print(json.dumps({
    "opened": [path for path in seen if not path.endswith((".py", ".pyc", ".so"))],
    "threads": max(threading.active_count(), tasks),
    "modules": sorted(set(sys.modules) - before),
}))
"""


@pytest.fixture(scope="module")
def probe(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("probe")
    ran = subprocess.run([sys.executable, "-c", _PROBE], cwd=folder, check=True, capture_output=True, text=True)
    assert "" == ran.stderr
    answer: dict[str, Any] = json.loads(ran.stdout)
    return answer


def test_import_starts_no_thread(probe: dict[str, Any]) -> None:
    assert 1 == probe["threads"]


def test_import_opens_no_file_but_modules(probe: dict[str, Any]) -> None:
    assert [] == probe["opened"]


@pytest.mark.parametrize(
    "library", ["numpy", "structlog", "cryptography", "typer", "rich", "httpx", "xllamacpp", "sqlite3"]
)
def test_import_leaves_the_library_for_later(probe: dict[str, Any], library: str) -> None:
    assert [] == [name for name in probe["modules"] if name.partition(".")[0] == library]


@pytest.mark.alone
def test_import_costs_at_most_a_quarter_of_a_second_over_a_bare_interpreter(tmp_path: Path) -> None:
    def best_of_seven(code: str) -> float:
        def once() -> float:
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
            return time.perf_counter() - start

        return min(once() for _ in range(7))

    assert best_of_seven("import atomic") - best_of_seven("pass") <= 0.25
