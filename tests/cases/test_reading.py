"""Files of cases: what is wrong with one is told with file, case and reason, before anything is bought."""

from pathlib import Path

import pytest

from atomic.cases import find_suites
from atomic.errors import CallerError


def wrong(module: str, text: str) -> str:
    Path("bad.cases.yaml").write_text(text.replace("TASK", f"{module}:order"))
    with pytest.raises(CallerError) as caught:
        find_suites(Path("bad.cases.yaml"))
    return caught.value.message


CASE = "task: TASK\ncases:\n  - {name: one, input: blue, "


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("task: TASK\ncases: []\n", "bad.cases.yaml: no case in it"),
        ("cases: []\n", "bad.cases.yaml: task: which microtask the cases are of"),
        ("task: TASK\ncases:\n  - {name: one}\n", "bad.cases.yaml: case 1: name is a text, input is there"),
        ("task: TASK\nextra: 1\ncases: []\n", "bad.cases.yaml: a file of cases: unknown key 'extra'"),
        ("task: TASK\ntask: TASK\ncases: []\n", "bad.cases.yaml: line 2: 'task' twice"),
        ("task: [\n", "bad.cases.yaml: line 2: "),
        (CASE + "}\n", "bad.cases.yaml: case 'one': nothing is expected"),
        (CASE + "expect: {colour: green, pieces: 1}}\n", "what is expected is no answer of order: literal_error"),
        (CASE + "expect: {colour: blue, pieces: '2'}}\n", "what is expected is no answer of order: int_type"),
        (CASE + "refuse: true, checks: ['this']}\n", "a refusal has no answer to look at"),
        (CASE + "checks: ['this ==']}\n", "'this ==' is no expression"),
        (CASE + "checks: [{assert: 'a', check: 'b'}]}\n", "a check is an expression"),
        (
            "task: TASK\ncases:\n  - {name: a, input: {male: blue}, refuse: true}\n",
            "case 'a': order: the input does not fit",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_place(module: str, text: str, said: str) -> None:
    assert said in wrong(module, text)


def test_a_name_stands_once_in_a_file(module: str) -> None:
    assert "a case's name is there, and there once" in wrong(
        module, CASE + "refuse: true}\n  - {name: one, input: b, refuse: true}\n"
    )


def test_plain_words_and_dates_are_texts_as_in_yaml_1_2(tmp_path: Path) -> None:
    from atomic.cases.reading import _yaml

    file = tmp_path / "a.yaml"
    file.write_text("country: no\nday: 2026-01-02\nsure: true\ncount: 3\nnothing: null\n")

    assert {"country": "no", "day": "2026-01-02", "sure": True, "count": 3, "nothing": None} == _yaml(file)


def test_a_folder_is_searched_and_an_empty_one_is_an_error(module: str, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "b.cases.yaml").write_text((tmp_path / "order.cases.yaml").read_text())

    assert ["deep/b.cases.yaml", "order.cases.yaml"] == sorted(
        {one.id.partition("::")[0] for one in find_suites(tmp_path)}
    )
    (tmp_path / "empty").mkdir()
    with pytest.raises(CallerError, match="no file of cases"):
        find_suites(tmp_path / "empty")
