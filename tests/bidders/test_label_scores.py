"""Labels are weighed by single tokens, also where they share their beginnings."""

from math import log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atomic.bidders.label_scores import MOST_CALLS, Tokens, score_labels


class Model:
    """Speaks one of some texts with given probabilities, in tokens of its own cutting."""

    def __init__(self, texts: dict[tuple[str, ...], float]) -> None:
        self.texts = texts
        self.asked: list[str] = []

    def __call__(self, begun: str) -> Tokens:
        self.asked.append(begun)
        following: dict[str, float] = {}
        for tokens, chance in self.texts.items():
            for cut in range(len(tokens)):
                if "".join(tokens[:cut]).lstrip() == begun:
                    following[tokens[cut]] = following.get(tokens[cut], 0.0) + chance
        return [(token, log(chance)) for token, chance in following.items()]


def test_spellings_of_a_label_are_summed() -> None:
    model = Model({("spam", "."): 0.1, (" Spam",): 0.2, ("SP", "AM"): 0.3, ("ham",): 0.2, ("The",): 0.2})

    assert {"spam": 0.75, "ham": 0.25} == pytest.approx(dict(score_labels(["spam", "ham"], model)))
    assert [""] == model.asked


def test_labels_that_share_their_first_token_are_asked_on() -> None:
    model = Model({
        ("not", " urgent"): 0.3, ("not", " sure"): 0.1, ("urgent",): 0.4, ("not", " today"): 0.2,
    })  # fmt: skip

    shares = score_labels(["urgent", "not urgent", "not sure"], model)

    assert {"urgent": 0.4, "not urgent": 0.45, "not sure": 0.15} == pytest.approx(dict(shares))
    assert ["", "not"] == model.asked


def test_a_label_that_begins_another_is_told_from_it_by_how_it_goes_on() -> None:
    model = Model({("a", "."): 0.5, ("a", "b"): 0.3, ("c",): 0.2})

    assert {"a": 0.5, "ab": 0.3, "c": 0.2} == pytest.approx(dict(score_labels(["a", "ab", "c"], model)))


def test_single_letters_are_followed_too() -> None:
    model = Model({("h", "am"): 0.6, ("h", "ello"): 0.1, ("h", "igh"): 0.3})

    assert {"ham": 2 / 3, "high": 1 / 3} == pytest.approx(dict(score_labels(["ham", "high"], model)))


def test_without_any_fitting_token_all_labels_are_alike() -> None:
    assert {"a": 0.5, "b": 0.5} == score_labels(["a", "b"], lambda begun: [])
    assert {"a": 0.5, "b": 0.5} == score_labels(["a", "b"], lambda begun: [("zebra", -0.1)])


def test_a_model_is_asked_a_bounded_number_of_times() -> None:
    labels = [f"{'x' * 30}{number}" for number in range(9)]
    asked = []

    def one_letter(begun: str) -> Tokens:
        asked.append(begun)
        return [("x", -0.1)]

    assert 1.0 == pytest.approx(sum(score_labels(labels, one_letter).values()))
    assert MOST_CALLS == len(asked)


@given(
    st.lists(st.text(min_size=1, max_size=5), min_size=1, max_size=6, unique=True),
    st.lists(st.tuples(st.text(max_size=3), st.floats(-50, 0)), max_size=20),
)
def test_whatever_a_model_says_the_shares_are_probabilities(labels: list[str], tokens: list[tuple[str, float]]) -> None:
    shares = score_labels(labels, lambda begun: tokens)

    assert labels == list(shares)
    assert 1.0 == pytest.approx(sum(shares.values()))
    assert all(0.0 <= share <= 1.0 for share in shares.values())
