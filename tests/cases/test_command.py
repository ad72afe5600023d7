"""`atomic test` as a person or a build server calls it."""

import asyncio
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from xml.etree.ElementTree import parse

from typer.testing import Result

import atomic
from atomic.ledger import LedgerReader
from atomic.records.tested import CasesPlayed

Run = Callable[..., Result]


def more(module: str, cases: str, name: str = "more.cases.yaml") -> None:
    Path(name).write_text(f"task: {module}:order\ncases:\n{cases}")


def make_ledger() -> None:
    async def once() -> None:
        async with atomic.open("atomic.toml"):
            pass

    asyncio.run(once())


def spent() -> int:
    with closing(sqlite3.connect("atomic.db")) as ledger:
        return sum(nano for (nano,) in ledger.execute("SELECT nano FROM spending"))


def test_all_cases_that_pass_end_with_0(run: Run) -> None:
    ran = run("test")

    assert 0 == ran.exit_code
    assert "ok    order.cases.yaml::two blue pens (known+plain, $0)" in ran.output
    assert ran.output.endswith("2 passed, 0 failed; $0\n")


def test_a_case_that_differs_is_told_field_by_field_and_ends_with_1(run: Run, module: str) -> None:
    more(module, "  - {name: three, input: three blue, expect: {colour: blue, pieces: 3, note: now}}\n")
    ran = run("test")

    assert 1 == ran.exit_code
    assert "pieces: expected 3, given 2" in ran.output
    assert "note: expected 'now' (str), given nothing" in ran.output


def test_checks_that_only_report_fail_nothing_and_those_that_assert_do(run: Run, module: str) -> None:
    more(
        module,
        "  - name: noted\n    input: blue\n    checks:\n"
        "      - {name: few, check: 'this.pieces < 2'}\n      - '{{ not _.checks.few and _.latency_ms < 60000 }}'\n"
        "  - name: broken\n    input: blue\n    checks:\n      - assert: 'this.colour != input.mail'\n"
        "        name: other\n"
        "      - 'this.nothing == 1'\n",
    )
    ran = run("test", "more.cases.yaml")

    assert 1 == ran.exit_code
    assert "ok    more.cases.yaml::noted" in ran.output
    assert "noted: does not hold: few" in ran.output
    assert "does not hold: other" in ran.output
    assert "does not hold: this.nothing == 1 (cannot be told:" in ran.output


def test_cases_in_python_take_functions(run: Run, module: str) -> None:
    Path("py_cases.py").write_text(
        f"from {module} import Order, order\nfrom atomic.cases import Case, Check, Suite\n"
        "def small(answer):\n    assert answer.pieces < 2, 'too many'\n"
        "SUITE = Suite(task=order, cases=[\n"
        "    Case(name='typed', input='blue', expect=Order(colour='blue', pieces=2)),\n"
        "    Case(name='function', input={'mail': 'blue'}, "
        "         checks=[small, Check(lambda one: False, 'never', fails=False)]),\n"
        "])\n"
    )
    ran = run("test", "py_cases.py")

    assert 1 == ran.exit_code
    assert "ok    py_cases.py::typed" in ran.output
    assert "does not hold: small (too many)" in ran.output
    assert "noted: does not hold: never" in ran.output


def test_a_fixed_bidder_answers_alone(run: Run) -> None:
    ran = run("test", "--bidder", "known")

    assert 0 == ran.exit_code
    assert 1 == run("test", "--bidder", "nobody").exit_code


def test_results_are_written_for_build_servers_and_programs(run: Run, module: str) -> None:
    more(module, '  - {name: "odd \\x07", input: blue, expect: {colour: red, pieces: 2}}\n')
    run("test", "--junit", "junit.xml", "--json", "all.json")
    suites = {one.get("name"): one for one in parse("junit.xml").getroot()}
    told = {one["id"]: one for one in json.loads(Path("all.json").read_bytes())["cases"]}

    assert ("1", "1") == (suites["more.cases.yaml"].get("tests"), suites["more.cases.yaml"].get("failures"))
    assert ("2", "0") == (suites["order.cases.yaml"].get("tests"), suites["order.cases.yaml"].get("failures"))
    assert [{"path": "colour", "kind": "changed", "expected": "red", "given": "blue"}] == told[
        "more.cases.yaml::odd \x07"
    ]["differences"]


def test_nothing_of_a_test_is_in_the_ledger(run: Run) -> None:
    make_ledger()
    before = run("ledger", "export").output
    ran = run("test")

    assert 0 == ran.exit_code
    assert before == run("ledger", "export").output


PRICED = """
[bidders.ann]
kind = "person"
price = "$0.001"
"""


def test_where_anything_has_a_price_the_most_that_tests_may_cost_is_said(run: Run) -> None:
    config = Path("atomic.toml")
    config.write_text(config.read_text().replace("[bidders.known]", 'per_day = "$0.10"\n\n[bidders.known]') + PRICED)
    ran = run("test")

    assert 1 == ran.exit_code
    assert "ann has a price, and --max-cost is missing" in str(ran.output)


def test_what_tests_may_cost_is_taken_from_the_days_cap_and_given_back(run: Run) -> None:
    config = Path("atomic.toml")
    config.write_text(config.read_text().replace("[bidders.known]", 'per_day = "$0.10"\n\n[bidders.known]') + PRICED)

    make_ledger()

    more_than_the_day = run("test", "order.cases.yaml", "--bidder", "known", "--max-cost", "$0.50")
    assert 1 == more_than_the_day.exit_code
    assert "the cap of this day leaves less than --max-cost" in more_than_the_day.output

    assert 0 == run("test", "order.cases.yaml", "--bidder", "known", "--max-cost", "$0.10").exit_code
    assert 0 == spent()
    assert 0 == run("ledger", "verify").exit_code


def test_a_significant_drop_against_a_baseline_fails_and_says_by_which_test(run: Run, module: str) -> None:
    good = "".join(
        f"  - {{name: c{one}, input: blue {one}, expect: {{colour: blue, pieces: 2}}}}\n" for one in range(6)
    )
    more(module, good)
    assert 0 == run("test", "more.cases.yaml", "--write-baseline", "base.json").exit_code

    more(module, good.replace("pieces: 2", "pieces: 3", 4))
    few = run("test", "more.cases.yaml", "--baseline", "base.json")
    assert 0 == few.exit_code
    assert "4 are worse and 0 better: no significant drop (exact McNemar test, p = 0.062)" in few.output

    more(module, good.replace("pieces: 2", "pieces: 3", 5))
    many = run("test", "more.cases.yaml", "--baseline", "base.json")
    assert 1 == many.exit_code
    assert "a significant drop (exact McNemar test, p = 0.031)" in many.output
    assert "worse: more.cases.yaml::c4" in many.output


def test_a_failure_that_was_there_before_is_no_drop(run: Run, module: str) -> None:
    more(module, "  - {name: never, input: blue, expect: {colour: red, pieces: 2}}\n")
    assert 1 == run("test", "--write-baseline", "base.json").exit_code
    assert 0 == run("test", "--baseline", "base.json").exit_code


def test_what_came_of_the_cases_is_put_down_where_that_is_asked_and_nothing_is_learned(run: Run, module: str) -> None:
    make_ledger()
    more(module, "  - {name: three, input: three blue, expect: {colour: blue, pieces: 3}}\n")
    run("test", "--record")
    with LedgerReader.open("atomic.db") as ledger:
        (event,) = ledger.read(kinds=("tested",))
        said = json.loads(ledger.body(event.bodies[0]) or b"")
        others = {one.kind for one in ledger.read()} - {"tested", "market", "prices"}
    assert isinstance(event.payload, CasesPlayed)
    assert (event.payload.task, event.payload.passed, len(event.payload.cases)) == ("order", 2, 3)
    assert (list(said), others) == (["more.cases.yaml::three"], set())
