"""`atomic` as a program: its own process, pipes that break, Ctrl-C, and no library that it does not need."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import atomic

ATOMIC = [sys.executable, "-m", "atomic"]


def test_the_installed_program_runs(tmp_path: Path) -> None:
    program = Path(sys.executable).with_name("atomic")
    ran = subprocess.run([program, "version"], cwd=tmp_path, check=True, capture_output=True, text=True)

    assert (f"{atomic.__version__}\n", "") == (ran.stdout, ran.stderr)


def test_an_error_is_told_without_a_traceback_and_with_exit_code_1(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "ATOMIC_CONFIG"}
    ran = subprocess.run([*ATOMIC, "ledger", "tail"], cwd=tmp_path, capture_output=True, text=True, env=environment)

    assert (1, "") == (ran.returncode, ran.stdout)
    assert "atomic: there is no atomic.toml\n" == ran.stderr.splitlines(keepends=True)[0]


@pytest.mark.parametrize("arguments", [["explode"], ["explain"], ["ledger", "tail", "-n", "many"]])
def test_wrong_usage_has_exit_code_2(tmp_path: Path, arguments: list[str]) -> None:
    ran = subprocess.run([*ATOMIC, *arguments], cwd=tmp_path, capture_output=True, text=True)

    assert 2 == ran.returncode
    assert "Traceback" not in ran.stderr


def test_a_reader_that_goes_away_ends_it_quietly(market: Path) -> None:
    ran = subprocess.Popen(
        [*ATOMIC, "ledger", "export", "--bodies"], cwd=market, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert ran.stdout is not None
    assert ran.stderr is not None
    ran.stdout.close()
    told = ran.stderr.read()
    ran.stderr.close()

    assert ran.wait() != 0
    assert b"" == told


def test_ctrl_c_ends_a_followed_tail_quietly(market: Path) -> None:
    with subprocess.Popen(
        [*ATOMIC, "ledger", "tail", "-f", "-n", "1"],
        cwd=market,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
    ) as ran:
        assert ran.stdout is not None
        ran.stdout.readline()  # it is following now
        ran.send_signal(signal.SIGINT)
        _, told = ran.communicate()

    assert (130, b"atomic: interrupted\n") == (ran.returncode, told)


def test_help_loads_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom atomic.cli import app\n"
        "try:\n    app(['--help'])\nexcept SystemExit:\n    pass\n"
        "print(sorted(sys.modules), file=sys.stderr)"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True, text=True)

    assert "Usage:" in ran.stdout
    for library in ("numpy", "structlog", "cryptography", "rich", "httpx", "xllamacpp", "sqlite3"):
        assert f"'{library}'" not in ran.stderr, library
