"""The neighbours' vote: nearer examples weigh more, and without any it says so."""

from dataclasses import replace

from tests.bidders.tasks import SKETCH, folder, plan_of, topic

from atomic.belief.examples import ExampleStore
from atomic.bidders.neighbours import Neighbours
from atomic.records.bid import NoBid, Offer, Reason
from atomic.records.microtask import Example
from atomic.testing import ask_for, example_for


def voting(*examples: Example) -> Neighbours:
    store = ExampleStore()
    for example in examples:
        store.add(example)
    return Neighbours(store)


async def test_the_nearest_examples_label_wins() -> None:
    bidder = voting(
        example_for(topic("football match today"), "sport"),
        example_for(topic("bank shares today"), "money"),
        example_for(topic("bank loan today"), "money"),
    )
    reply = await bidder.attempt(ask_for(topic("football match")), plan_of("neighbours"))
    offer = bidder.offer(ask_for(topic("football match")), SKETCH)

    assert "sport" == reply.value
    assert isinstance(offer, Offer)
    assert offer.claim == reply.confidence
    assert 0.5 < (reply.confidence or 0.0) <= 0.99


def test_without_a_similar_example_it_does_not_bid() -> None:
    no_bid = voting(example_for(topic("football"), "sport")).offer(ask_for(topic("zebra")), SKETCH)

    assert isinstance(no_bid, NoBid)
    assert Reason.NOTHING_SIMILAR == no_bid.reason


def test_a_label_of_an_older_version_does_not_vote() -> None:
    no_bid = voting(replace(example_for(topic("football"), "sport"), answer="tennis")).offer(
        ask_for(topic("football")), SKETCH
    )

    assert isinstance(no_bid, NoBid)


def test_it_never_hands_on_somebodys_free_text() -> None:
    no_bid = voting(example_for(folder("football"), "Dear Ann")).offer(ask_for(folder("football")), SKETCH)

    assert isinstance(no_bid, NoBid)
    assert Reason.TYPE_NOT_SUPPORTED == no_bid.reason
