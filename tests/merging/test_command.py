"""`atomic ledger import`, as a person or a script calls it."""

import json
from pathlib import Path

import pytest
from tests.merging.markets import ANN, bought
from typer.testing import CliRunner, Result

from atomic.cli import app


@pytest.fixture
def both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two ledgers that answered one request alike and one otherwise."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ATOMIC_CONFIG", raising=False)
    bought(Path("here.db"), "other", "same")
    bought(Path("there.db"), "other", says="spam")
    bought(Path("there.db"), "new", "same")
    bought(Path("there.db"), "unsaid", truth="")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["ledger", "import", "there.db", "--ledger", "here.db", *arguments])


@pytest.mark.usefixtures("both")
def test_it_says_what_came_and_why_the_rest_did_not() -> None:
    would, did = run("--check"), run()

    assert (1, 1) == (would.exit_code, did.exit_code)  # something is in conflict
    assert "1 requests and 1 words of feedback would come; 1 are here already" in would.output
    assert "1 requests and 1 words of feedback came; 1 are here already" in did.output
    assert "1 stay there: nobody said whether they were right" in did.output
    assert "1 in conflict, ours stays: answered otherwise here\n  other: answered otherwise here" in did.output


@pytest.mark.usefixtures("both")
def test_as_json_it_names_every_conflict_and_the_signed_head() -> None:
    found = json.loads(run("--json").output)

    assert [{"tenant": "", "request_id": "other", "why": "answered otherwise here"}] == found["conflicts"]
    assert (1, 1, 1, []) == (found["requests"], found["feedback"], found["there"], found["left"])
    assert 64 == len(found["origin"]["public_key"])


@pytest.mark.usefixtures("both")
def test_without_a_conflict_it_ends_well_and_the_tail_says_where_it_is_from() -> None:
    Path("there.db").rename("here-too.db")
    for one in ("keys", "heads"):
        Path(f"there.db.{one}").rename(f"here-too.db.{one}")
    bought(Path("there.db"), "fresh")

    result = run()

    assert 0 == result.exit_code, result.output
    tail = CliRunner().invoke(app, ["ledger", "tail", "--ledger", "here.db"]).output
    assert "1 requests come from the ledger" in tail


@pytest.mark.usefixtures("both")
def test_the_first_import_from_a_ledger_says_that_who_was_erased_before_is_to_be_erased_once_more() -> None:
    assert "once more" not in run("--check").output
    CliRunner().invoke(app, ["erase", ANN, "--yes", "--ledger", "here.db"])

    assert "erase them here once more" in run().output
    assert "once more" not in run().output  # it knows them by name from now on
    CliRunner().invoke(app, ["erase", ANN, "--yes", "--ledger", "here.db"])
    assert "left out: erased here" in run().output
