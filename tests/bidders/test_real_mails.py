"""What learns, learns: on real mails, ordered by hash, the first half labelled and the second measured."""

# A microtask has no body: somebody else answers it.
# mypy: disable-error-code="empty-body"

import hashlib
import json
import tarfile
from pathlib import Path
from typing import Literal

import pytest
from tests.bidders.tasks import plan_of

from atomic.belief.examples import ExampleStore
from atomic.bidders.neighbours import Neighbours
from atomic.bidders.specialist import Specialist
from atomic.inbox.mail import parse
from atomic.protocols import Bidder
from atomic.records.microtask import Ask, Example, microtask
from atomic.testing import ask_for, example_for

Label = Literal["spam", "ham"]


@microtask(worth="$1")
async def spam(text: str) -> Label:
    """Is this mail spam or ham?"""


@pytest.fixture(scope="module")
def mails(atomic_data: Path) -> list[tuple[Ask, Example]]:
    """Each mail as a question and as an example, in the order of the SHA-256 of their ids."""
    known = [json.loads(line) for line in (atomic_data / "mail" / "labels.jsonl").read_text().splitlines()]
    labels: dict[str, Label] = {one["id"]: one["label"] for one in known}
    calls = {}
    with tarfile.open(atomic_data / "mail" / "mail.tar.xz") as archive:
        for member in archive:
            file = archive.extractfile(member)
            if file is not None:
                mail = parse(file.read(), hide_headers=True)
                shown = (mail.sender_name, mail.sender, mail.subject, mail.content_type, mail.words)
                calls[member.name] = spam("\n".join(shown))
    order = sorted(labels, key=lambda one: hashlib.sha256(one.encode()).hexdigest())
    return [
        (ask_for(calls[one], request_id=one), example_for(calls[one], labels[one], request_id=one)) for one in order
    ]


async def share_right(bidder: Bidder, mails: list[tuple[Ask, Example]]) -> float:
    right = 0
    for ask, known in mails:
        reply = await bidder.attempt(ask, plan_of(bidder.profile.name))
        right += bool(reply.value == known.answer)
    return right / len(mails)


@pytest.mark.parametrize(("method", "least"), [("logistic", 0.96), ("naive-bayes", 0.95)])
async def test_a_specialist_that_saw_600_mails_tells_spam_from_ham(
    mails: list[tuple[Ask, Example]], method: Literal["logistic", "naive-bayes"], least: float
) -> None:
    specialist = Specialist(method=method)
    for _, example in mails[:600]:
        specialist.learn(example)

    assert least <= await share_right(specialist, mails[600:])


async def test_the_vote_of_the_nearest_of_600_mails_tells_spam_from_ham(mails: list[tuple[Ask, Example]]) -> None:
    store = ExampleStore()
    for _, example in mails[:600]:
        store.add(example)

    assert 0.93 <= await share_right(Neighbours(store), mails[600:])
