"""Label scores of a hosted model, put right by what it says anyhow, by its mean, and by what people said."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

pytest.importorskip("aiohttp")

from tests.bidders.endpoint import Endpoint, Played, completion, endpoint
from tests.bidders.tasks import topic

from atomic.bidders.http import HttpModel, HttpOptions
from atomic.protocols import Sketch
from atomic.records import Offer, Reason
from atomic.records.attempt import Reply
from atomic.records.microtask import Ask
from atomic.records.money import nano_usd
from atomic.records.price import Price
from atomic.tactics import Calibrated, LabelScoring
from atomic.tactics.calibrated import NOTHING
from atomic.testing import ask_for, example_for

PRICE = Price(input=nano_usd("$1"), output=nano_usd("$10"))
ASK = ask_for(topic("The shares of the club fell."))
SCORES = LabelScoring()


def scored(sport: float, money: float, *, status: int = 200) -> Played:
    """A reply whose first token is the one or the other with these log-probabilities."""
    top = [{"token": "sport", "logprob": sport}, {"token": " money", "logprob": money}]
    usage = {"prompt_tokens": 100, "completion_tokens": 1}
    body = completion("x", ended="length", usage=usage, logprobs={"content": [{"top_logprobs": top}]})
    return Played(status=status, body=body)


@pytest.fixture
async def server() -> AsyncIterator[Endpoint]:
    async with endpoint() as running:
        running.played = scored(-0.5, -1.0)
        yield running


@pytest.fixture
async def model(server: Endpoint) -> AsyncIterator[HttpModel]:
    far = HttpModel("far", HttpOptions(base_url=server.url, model="m", price=PRICE, stream=False, top_logprobs=20))
    yield far
    await far.close()


async def asked(model: HttpModel, tactic: Calibrated | LabelScoring, ask: Ask = ASK) -> Reply:
    return await model.attempt(ask, tactic.plan(ask, model.profile, ()))


async def test_what_the_labels_score_on_nothing_is_taken_off(server: Endpoint, model: HttpModel) -> None:
    server.to[NOTHING] = scored(-0.1, -3.0)

    plain, neutral = await asked(model, SCORES), await asked(model, Calibrated(SCORES, "neutral"))

    assert ("sport", "money") == (plain.value, neutral.value)
    assert 0.5 < (neutral.confidence or 0.0) < 1.0


async def test_nothing_is_asked_once_for_a_prompt_and_billed_with_what_it_was_asked_for(
    server: Endpoint, model: HttpModel
) -> None:
    tactic, other = Calibrated(SCORES, "neutral"), ask_for(topic("The home team won."))
    sketch = tactic.sketch(ASK, model.profile, ())
    assert isinstance(sketch, Sketch)
    offer = model.offer(ASK, sketch)

    first, second = await asked(model, tactic), await asked(model, tactic, other)

    assert [NOTHING, 3] == [server.asked[0]["messages"][-1]["content"], len(server.asked)]
    assert (200, 100) == (first.usage.prompt_tokens, second.usage.prompt_tokens)
    assert isinstance(offer, Offer)
    assert 2 * second.price == first.price <= offer.ceiling


async def test_who_does_not_hear_what_nothing_scores_gives_no_answer_and_says_why(
    server: Endpoint, model: HttpModel
) -> None:
    server.to[NOTHING] = Played(status=500)

    reply = await asked(model, Calibrated(SCORES, "neutral"))

    assert (Reason.FAILED, 1) == (reply.reason, len(server.asked))
    assert "500" in reply.detail


async def test_the_mean_of_earlier_scores_is_taken_off_once_there_is_one(server: Endpoint, model: HttpModel) -> None:
    tactic = Calibrated(SCORES, "batch")

    replies = [await asked(model, tactic) for _ in range(9)]

    assert replies[0].confidence == replies[7].confidence
    assert 0.5 == pytest.approx(replies[8].confidence, abs=0.01)  # always the same input: nothing is left


async def test_what_people_said_of_inputs_like_it_is_the_prior(server: Endpoint, model: HttpModel) -> None:
    examples = [(0.9, example_for(topic("The shares of the club rose."), "money"))]
    tactic = Calibrated(SCORES, "voted")

    reply = await model.attempt(ASK, tactic.plan(ASK, model.profile, examples))

    assert "money" == reply.value


def test_who_gives_no_log_probabilities_is_asked_for_no_calibrated_label(server: Endpoint) -> None:
    blind = HttpModel("far", HttpOptions(base_url=server.url, model="m", price=PRICE, stream=False))

    assert not blind.profile.calibrates
    assert Calibrated(SCORES, "neutral").sketch(ASK, blind.profile, ()) is None
