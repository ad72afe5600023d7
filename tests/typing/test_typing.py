"""The types that a user of the package sees, as mypy --strict reveals them."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("program.py.txt")  # not .py: its mistakes are on purpose

REVEALED = {
    "microtask": "Microtask[[text: str], Literal['spam'] | Literal['ham']]",
    "outcome": "Outcome[Literal['spam'] | Literal['ham']]",
    "answer": "Literal['spam'] | Literal['ham'] | None",
    "bought": "Outcome[Literal['spam'] | Literal['ham']]",
    "waited": "Outcome[Literal['spam'] | Literal['ham']]",
    "model": "Outcome[Invoice]",
    "market": "Market",
}
WRONG = {
    "a number in place of a text": "arg-type",
    "a missing input": "call-arg",
    "a word of another microtask": "comparison-overlap",
    "a name that does not exist": "attr-defined",
    "no await": "attr-defined",
}

pytestmark = pytest.mark.xdist_group("typing")  # one process runs mypy for all of them


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("typing")
    shutil.copy(PROGRAM, folder / "program.py")
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--config-file=",
        "--disable-error-code=empty-body",
        "--no-color",
        "program.py",
    ]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert "" == ran.stderr
    return ran.stdout.splitlines()


def _line(marker: str) -> int:
    lines = PROGRAM.read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if line.endswith(f"# {marker}"))


@pytest.mark.parametrize("name", REVEALED)
def test_a_user_sees_the_type(said: list[str], name: str) -> None:
    (revealed,) = (one for one in said if one.startswith(f"program.py:{_line(name)}: note: Revealed type is"))

    assert REVEALED[name] == re.sub(r"\b(?:\w+\.)+(?=\w)", "", revealed.split('"')[1])


@pytest.mark.parametrize("what", WRONG)
def test_a_users_mistake_is_an_error(said: list[str], what: str) -> None:
    assert any(one.startswith(f"program.py:{_line(what)}: error:") and f"[{WRONG[what]}]" in one for one in said)


def test_nothing_else_is_an_error(said: list[str]) -> None:
    lines = {_line(what) for what in WRONG}

    assert [] == [one for one in said if " error: " in one and int(one.split(":")[1]) not in lines]
