"""Line-ups: who answered what beside whom, as the ledger tells it, and no more of it than is allowed."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from tests.belief.events import event, finished, histories, learned, opened, right

from atomic.belief import Beliefs
from atomic.belief.lineups import Lineup, Lineups
from atomic.belief.snapshot import restore, snapshot
from atomic.records import Event, Lesson, OutcomeSettled, Payload
from atomic.records.erasure import BodiesErased
from atomic.records.lesson import BidderChanged
from atomic.records.responses import ModelFitted

NAME = ("", "r")


def told(*payloads: Payload, request_id: str = "r", first: int = 1) -> list[Event]:
    return [event(first + number, one, request_id=request_id) for number, one in enumerate(payloads)]


def request(request_id: str = "r", first: int = 1, *answers: tuple[str, int | None]) -> list[Event]:
    found = [finished(name, group=group, price=5) for name, group in answers or (("ant", 0), ("bee", 1))]
    return told(opened(), *found, OutcomeSettled(task="spam", status="answered"), request_id=request_id, first=first)


def folded(*events: Event) -> Lineups:
    found = Lineups()
    for one in events:
        found.fold(one)
    return found


def kept(found: Lineups) -> Lineup:
    return found.tasks["spam"].kept[NAME]


def settle(weight: float) -> Lesson:
    return Lesson(kind="settle", key="", target=0.0, weight=weight, features=(1.0, 0.5))


def test_a_settled_request_is_a_line_up_of_its_answers_in_order() -> None:
    one = kept(folded(*request("r", 1, ("bee", 0), ("ant", None), ("cat", 1))))
    assert ("bee+plain", "ant+plain", "cat+plain") == one.keys
    assert ((0, -1, 1), (5, 5, 5), "mail", True) == (one.groups, one.prices, one.domain, one.at_once)


def test_an_open_request_is_no_line_up_and_neither_is_one_without_attempts() -> None:
    assert {} == folded(*told(opened(), finished(group=0))).tasks
    assert {} == folded(*told(opened(), OutcomeSettled(task="spam", status="refused"))).tasks


def test_who_was_asked_in_a_later_round_was_not_asked_at_once() -> None:
    later = request()
    later[2] = replace(later[2], round=2)
    assert not kept(folded(*later)).at_once


def test_a_word_says_how_right_each_answer_was_and_what_it_weighs() -> None:
    found = folded(*request(), event(9, learned(right(1.0), right(0.0, "bee+plain", weight=0.4))))
    assert {"ant+plain": (1.0, 1.0, 1.0), "bee+plain": (0.0, 0.4, 0.4)} == kept(found).rights


def test_a_complaint_weighs_less_where_silence_cannot_make_up_for_it() -> None:
    found = folded(*request(), event(9, learned(right(0.0), settle(0.1))))
    assert {"ant+plain": (0.0, 1.0, 0.1)} == kept(found).rights


def test_a_word_of_somebody_whom_nobody_trusts_is_none() -> None:
    assert {} == kept(folded(*request(), event(9, learned(right(1.0, weight=0.0))))).rights


def test_a_word_taken_back_is_gone_and_one_replaced_is_the_newer() -> None:
    first = event(9, learned(right(1.0)))
    assert {} == kept(folded(*request(), first, event(10, learned(right(1.0, weight=-1.0))))).rights
    replaced = folded(*request(), first, event(10, learned(right(1.0, weight=-1.0), right(0.0))))
    assert {"ant+plain": (0.0, 1.0, 1.0)} == kept(replaced).rights


def test_what_agreement_alone_taught_is_no_word() -> None:
    said = replace(learned(right(1.0)), source="agreement")
    assert {} == kept(folded(*request(), event(9, said))).rights


def test_a_model_is_due_after_forty_line_ups_and_again_after_a_quarter_more() -> None:
    found = Lineups()
    for number in range(39):
        for one in request(f"r{number}", 4 * number + 1):
            found.fold(one)
    due = [found.tasks["spam"].due]
    for one in request("last", 1000):
        found.fold(one)
    assert [False, True] == [*due, found.tasks["spam"].due]
    found.fold(event(2000, ModelFitted(task="spam", alternatives=0, model=None)))
    assert set() == found.tasks["spam"].fresh


def test_a_model_of_another_type_of_answers_leaves_it_due() -> None:
    found = folded(*request())
    found.fold(event(9, ModelFitted(task="spam", alternatives=3, model=None)))
    assert {NAME} == found.tasks["spam"].fresh


def test_a_line_up_that_is_new_and_judged_counts_once_and_one_judged_after_the_fit_counts_again() -> None:
    found = folded(*request(), event(9, learned(right(1.0))), event(10, learned(right(0.0, "bee+plain"))))
    assert {NAME} == found.tasks["spam"].fresh
    fitted, late = ModelFitted(task="spam", alternatives=0, model=None), event(12, learned(right(1.0)))
    found = folded(*request(), event(9, fitted), late)
    assert {NAME} == found.tasks["spam"].fresh


def test_what_is_no_longer_kept_is_not_new() -> None:
    found = Lineups(most=2)
    for number in range(5):
        for one in request(f"r{number}", 4 * number + 1):
            found.fold(one)
    found.forget(("", "r4"))
    assert {("", "r3")} == set(found.tasks["spam"].kept) == found.tasks["spam"].fresh


def test_a_snapshot_of_an_earlier_release_only_counted_what_was_new() -> None:
    state = folded(*request("a"), *request("b", 9)).state()
    state["tasks"][0][2] = 1
    assert {("", "b")} == Lineups.of(state).tasks["spam"].fresh


def test_answers_of_another_type_begin_anew() -> None:
    found = folded(*request("old"))
    other = replace(opened(), labels=("a", "b"))
    for one in told(other, finished(group=0), OutcomeSettled(task="spam", status="answered"), first=9):
        found.fold(one)
    assert (2, [NAME]) == (found.tasks["spam"].alternatives, list(found.tasks["spam"].kept))


def test_what_a_bidder_answered_before_it_changed_is_marked_and_a_model_is_due() -> None:
    found = folded(*request())
    found.tasks["spam"].fresh.clear()
    found.changed("ant")
    assert (frozenset({"ant+plain"}), {NAME}) == (kept(found).before, found.tasks["spam"].fresh)
    found.changed("bee+plain")
    assert {"ant+plain", "bee+plain"} == kept(Lineups.of(found.state())).before


def test_a_bidder_that_fell_is_marked_in_line_ups() -> None:
    beliefs = Beliefs()
    beliefs.fold(request())
    beliefs._changed(BidderChanged(key="bee+plain", why="fell", cause=3))
    assert {"bee+plain"} == kept(beliefs.lineups).before


def test_an_erased_request_is_in_no_line_up() -> None:
    beliefs = Beliefs()
    beliefs.fold(request())
    beliefs.fold([event(9, BodiesErased(erasure="e", why="asked", bodies=1, requests=(NAME,)), request_id="")])
    beliefs.fold([event(10, learned(right(1.0)))])
    assert [] == list(beliefs.lineups.tasks["spam"].kept)


def test_no_more_line_ups_are_kept_than_allowed_in_all() -> None:
    found = Lineups(most=5)
    for number in range(9):
        for one in request(f"r{number}", 4 * number + 1):
            found.fold(one)
    assert [("", f"r{number}") for number in range(4, 9)] == list(found.tasks["spam"].kept)


@given(histories())
def test_a_snapshot_restores_them_to_the_same_digest(history: list[Event]) -> None:
    beliefs, other = Beliefs(), Beliefs()
    beliefs.fold(history)
    restore(other, snapshot(beliefs))
    assert (beliefs.digest(), beliefs.lineups.state()) == (other.digest(), other.lineups.state())


def test_words_survive_a_snapshot() -> None:
    beliefs, other = Beliefs(), Beliefs()
    beliefs.fold([*request(), event(9, learned(right(1.0, weight=0.3)))])
    restore(other, snapshot(beliefs))
    assert beliefs.lineups.state() == other.lineups.state()
    assert {"ant+plain": (1.0, 0.3, 0.3)} == kept(other.lineups).rights


def test_only_the_first_two_are_fairly_paired_where_others_were_asked_in_view_of_answers() -> None:
    later = request("r", 1, ("ant", 0), ("bee", 1), ("cat", 1))
    for place in (2, 3):
        later[place] = replace(later[place], round=place)
    assert ("ant+plain", "bee+plain") == folded(*later).fair("spam", NAME)
    assert folded(*request()).fair("spam", NAME) is None
    assert Lineups().fair("spam", NAME) is None
