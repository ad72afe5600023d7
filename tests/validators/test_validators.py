"""Each validator by itself."""

from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field

from atomic.errors import CallerError, TaskError
from atomic.records.microtask import microtask
from atomic.records.validator import Validator
from atomic.validators import expression, fits, holds, json_schema, json_text, judged_by, python, sql


class Step(BaseModel):
    code: str


class Work(BaseModel):
    steps: list[Step]
    query: str = ""


@microtask(worth="$1")
async def plain(text: str) -> bool:
    """Is it?"""
    raise NotImplementedError


def says(one: Validator, answer: Any) -> bool | None:
    assert one.test is not None
    return one.test({"text": "hello"}, answer)


@pytest.mark.parametrize(
    ("one", "answer", "said"),
    [
        (sql(), "SELECT 1", True),
        (sql(), "SELECT 1; DROP TABLE t", True),
        (sql(), "SELECT (1", False),
        (sql(), "", False),
        (sql(), 7, None),
        (sql("mysql"), "SELECT `a` FROM t", True),
        (sql("postgres", at="query"), Work(steps=[], query="SELECT a FROM WHERE"), False),
        (python(), "def f():\n    return 1", True),
        (python(), "def f(:", False),
        (python(), "\0", False),
        (python(), "(" * 10_000, False),
        (python(at="steps.0.code"), Work(steps=[Step(code="x = 1")]), True),
        (python(at="steps.3.code"), Work(steps=[]), None),
        (json_text(), "[1, 2]", True),
        (json_text(), "[1, 2", False),
        (json_schema({"required": ["query"], "properties": {"query": {"minLength": 1}}}), Work(steps=[]), False),
        (json_schema({"format": "email"}), "a@b.example", True),
        (json_schema({"format": "email"}), "nobody", False),
        (fits(Annotated[int, Field(ge=0)], "positive"), 3, True),
        (fits(Annotated[int, Field(ge=0)], "positive"), -3, False),
        (expression("many", "{{ this.steps|length > 1 }}"), Work(steps=[]), False),
        (expression("same", "this == input.text"), "hello", True),
        (expression("absent", "this.nothing > 1"), Work(steps=[]), None),
        (holds(lambda answer, text: answer == text, "same"), "hello", True),
    ],
)
def test_it_says_whether_it_holds_or_that_it_cannot_tell(one: Validator, answer: Any, said: bool | None) -> None:
    assert said is says(one, answer)


def test_what_it_looks_at_is_part_of_the_tasks_version() -> None:
    def declared(*validators: Validator) -> str:
        @microtask(worth="$1", validators=validators)
        async def write(text: str) -> str:
            """Write."""
            raise NotImplementedError

        return write.version

    versions = [declared(), declared(sql()), declared(sql("mysql")), declared(sql(at="query")), declared(python())]
    assert len(versions) == len(set(versions))
    assert declared(sql()) == declared(sql())


@pytest.mark.parametrize(
    "make",
    [
        lambda: sql("nosuch"),
        lambda: json_schema({"type": "nosuch"}),
        lambda: expression("x", "this =="),
        lambda: expression("a name", "this"),
        lambda: judged_by(plain),
    ],
)
def test_what_is_no_validator_is_refused_where_it_is_declared(make: Any) -> None:
    with pytest.raises(CallerError, match=r"no dialect|no JSON schema|no expression|names no|no judge"):
        make()


@microtask(worth="$1")
async def judge(mail: str, answer: str) -> bool:
    """Is it good?"""
    raise NotImplementedError


def test_a_judge_may_ask_only_for_what_its_task_takes() -> None:
    with pytest.raises(TaskError, match="asks for 'mail'"):

        @microtask(worth="$1", validators=[judged_by(judge)])
        async def write(text: str) -> str:
            """Write."""
            raise NotImplementedError


def test_two_validators_of_one_name_are_refused() -> None:
    with pytest.raises(TaskError, match="two validators are called 'sql'"):

        @microtask(worth="$1", validators=[sql(), sql("mysql")])
        async def write(text: str) -> str:
            """Write."""
            raise NotImplementedError
