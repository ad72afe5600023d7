"""Every example that a reader may copy runs: fenced Python in the documents, `>>>` in the docstrings."""

import doctest
import importlib
import re
import runpy
import textwrap
from pathlib import Path

import pytest

import atomic

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
# What an extra brings; a module whose hand is not installed here is skipped by that name.
OPTIONAL = {"baml_py", "dbos", "httpx", "httpx_sse", "jinja2", "sqlglot", "dspy", "xllamacpp"}

_FENCE = re.compile(
    r"^(?P<indent> *)(?P<ticks>```+)(?P<language>[^\n`]*)\n(?P<body>.*?)^(?P=indent)(?P=ticks) *$",
    re.MULTILINE | re.DOTALL,
)


def _blocks() -> list[tuple[str, str]]:
    blocks = []
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8") if document.exists() else ""
        for fence in _FENCE.finditer(text):
            language = fence["language"].strip()
            if language.split(" ")[0] in ("python", "py", "pycon"):
                line = text.count("\n", 0, fence.start()) + 1
                assert "python" == language, f"{document}:{line}: fence it as `python`, or as `text` if it cannot run"
                blocks.append((f"{document.relative_to(ROOT)}:{line}", textwrap.dedent(fence["body"])))
    return blocks


def _modules() -> list[str]:
    package = Path(atomic.__file__).parent
    names = (path.relative_to(package.parent).with_suffix("").parts for path in sorted(package.rglob("*.py")))
    return [".".join(parts[:-1] if parts[-1] == "__init__" else parts) for parts in names]


@pytest.mark.parametrize("code", [pytest.param(code, id=name) for name, code in _blocks()])
def test_an_example_in_the_documents_runs(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # As a reader would run it: a file of its own, from an otherwise empty folder.
    script = tmp_path / "example.py"
    script.write_text(code, encoding="utf-8")
    monkeypatch.chdir(tmp_path)

    runpy.run_path(str(script), run_name="__main__")


@pytest.mark.parametrize("name", [name for name in _modules() if not name.endswith("__main__")])
def test_the_examples_in_docstrings_hold(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as missing:
        if missing.name in OPTIONAL:
            pytest.skip(f"{name} needs {missing.name}, which is not installed here")
        raise
    monkeypatch.chdir(tmp_path)

    failed, _ = doctest.testmod(module, optionflags=doctest.ELLIPSIS)

    assert 0 == failed
