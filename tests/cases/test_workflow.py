"""The workflow that is there to be copied calls `atomic test` as it is."""

import re
import shlex
from pathlib import Path

import yaml
from typer.testing import CliRunner

from atomic.cli import app

FILE = Path(__file__).parents[2] / "examples" / "github-actions.yml"


def test_the_workflow_names_only_options_that_there_are() -> None:
    steps = yaml.safe_load(FILE.read_text(encoding="utf-8"))["jobs"]["cases"]["steps"]
    (line,) = [one["run"] for one in steps if one.get("run", "").startswith("atomic test")]
    known = re.findall(r"--[a-z-]+", CliRunner().invoke(app, ["test", "--help"]).output)

    assert [] == [one for one in shlex.split(line) if one.startswith("--") and one not in known]
