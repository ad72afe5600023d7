"""Whatever is appended comes back equal, and the chain over it verifies."""

import asyncio
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from atomic.ledger import SqliteLedger, export, verify
from atomic.ledger.cipher import token_of
from atomic.records import Body, Entry, FeedbackGiven, Lesson, LessonsLearned, MarketOpened
from atomic.records.canonical import content_id

words = st.text(st.characters(exclude_categories=["Cs"]))
numbers = st.floats(allow_nan=False, allow_infinity=False)
integers = st.integers(-(1 << 63), (1 << 63) - 1)

lessons = st.builds(
    Lesson, kind=st.just("right"), key=words, target=numbers, weight=numbers, features=st.lists(numbers).map(tuple)
)
payloads = st.one_of(
    st.builds(MarketOpened, version=words, rules_version=words, config=words),
    st.builds(FeedbackGiven, source=st.just("person"), value=numbers, author=words),
    st.builds(
        LessonsLearned,
        task=words,
        domain=words,
        source=st.just("fact"),
        cause=integers,
        alternatives=integers,
        lessons=st.lists(lessons, max_size=3).map(tuple),
    ),
)
bodies = st.builds(
    Body, name=words, content=st.binary(max_size=5_000), subjects=st.lists(words.filter(bool), max_size=3).map(tuple)
)
entries = st.builds(
    Entry,
    payload=payloads,
    request_id=words,
    round=integers,
    tenant=words,
    label=st.sampled_from(["public", "internal", "confidential", "sovereign"]),
    time_ns=integers.filter(bool),
    bodies=st.lists(bodies, max_size=3).map(tuple),
    blobs=st.lists(st.binary(max_size=5_000), max_size=2).map(tuple),
)


@settings(max_examples=40)
@given(st.lists(st.lists(entries, max_size=5), max_size=4))
def test_what_is_appended_comes_back_equal_and_verifies(groups: list[list[Entry]]) -> None:
    async def run(path: Path) -> None:
        async with SqliteLedger.open(path) as ledger:
            appended = await asyncio.gather(*(ledger.append(group) for group in groups))
            events = [event for group in appended for event in group]
            flat = [entry for group in groups for entry in group]

            assert list(range(1, len(flat) + 1)) == [event.seq for event in events]
            assert events == list(ledger.read())
            for entry, event in zip(flat, events, strict=True):
                assert (entry.payload, entry.request_id, entry.round) == (event.payload, event.request_id, event.round)
                assert (entry.tenant, entry.label, entry.time_ns) == (event.tenant, event.label, event.time_ns)
                assert [one.name for one in entry.bodies] == [one.name for one in event.bodies]
                assert [one.content for one in entry.bodies] == [ledger.body(one) for one in event.bodies]
                assert [len({token_of(b"k" * 32, subject) for subject in one.subjects}) for one in entry.bodies] == [
                    len(ledger.subjects(one)) for one in event.bodies
                ]
                assert list(entry.blobs) == [ledger.blob(content_id(blob)) for blob in entry.blobs]
                assert event in ledger.read(request_id=event.request_id, kinds=(event.kind,))
        found = verify(path)
        assert ((), len(events), len(events)) == (found.problems, found.events, found.sealed_to)
        assert len(events) == sum(one["type"] == "event" for one in export(path))

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(Path(folder) / "ledger.db"))
