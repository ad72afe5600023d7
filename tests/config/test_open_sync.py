"""`atomic.open_sync`: the same market for code that is not async."""

import asyncio
import inspect
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import pytest

import atomic
from atomic.errors import CallerError, NotFound
from atomic.testing import Line, ScriptedBidder

IN_MEMORY = {"market": {"ledger": ":memory:"}}


@atomic.microtask(worth="$0.01")
async def kind(text: str) -> Literal["spam", "ham"]:
    """Is this spam?"""
    raise NotImplementedError


def guess(text: str) -> str:
    return "spam" if "pills" in text else "ham"


def _threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "atomic market"]


def test_a_market_runs_learns_and_reads_without_async(tmp_path: Path) -> None:
    (tmp_path / "atomic.toml").write_text("")

    with atomic.open_sync(tmp_path / "atomic.toml", bidders=[atomic.FunctionBidder("guess", guess)]) as market:
        outcome = market.run(kind, "cheap pills")
        market.feedback(outcome.id, truth="spam")
        kinds = [event.kind for event in market.ledger.read(request_id=outcome.id)]

    assert "spam" == outcome.answer
    assert ["feedback", "lessons"] == kinds[-2:]
    assert (tmp_path / "atomic.db").exists()


def test_every_public_method_is_mirrored_with_the_same_parameters() -> None:
    for name, method in inspect.getmembers(atomic.Market, inspect.isfunction):
        if not name.startswith("_"):
            mirrored = inspect.signature(getattr(atomic.SyncMarket, name)).parameters
            assert list(inspect.signature(method).parameters) == list(mirrored), name


def test_every_public_value_is_mirrored() -> None:
    with atomic.open_sync(IN_MEMORY, bidders=[ScriptedBidder("one", ["ham"])]) as market:
        assert ["one"] == list(market.bidders)
        assert 1 == market.beliefs.seq
        assert ["market"] == [event.kind for event in market.ledger.read()]


def test_options_of_a_purchase_are_taken() -> None:
    with atomic.open_sync(IN_MEMORY, bidders=[atomic.FunctionBidder("guess", guess)]) as market:
        one = market.buy(kind("pills"), atomic.Trade(request_id="mail-7"))
        two = market.buy(kind("pills"), atomic.Trade(request_id="mail-7"))

    assert ("mail-7", one) == (two.id, two)


def test_a_stream_is_read_without_being_async() -> None:
    @atomic.microtask(worth="$0.01")
    async def tale(about: str) -> str:
        """Tell a tale."""
        raise NotImplementedError

    teller = ScriptedBidder("one", [Line(answer="A cat sat.", says=["A cat ", "sat."])])
    with (
        atomic.open_sync(IN_MEMORY, bidders=[teller]) as market,
        market.stream(tale("a cat")) as stream,
    ):
        pieces = list(stream)

    assert (["A cat ", "sat."], "A cat sat.", "A cat sat.") == (pieces, stream.said, stream.outcome.answer)


def test_an_error_reaches_the_caller_as_it_is() -> None:
    with atomic.open_sync(IN_MEMORY) as market, pytest.raises(NotFound, match="no settled request"):
        market.feedback("nothing", 1.0)


def test_many_threads_may_use_one_market() -> None:
    with (
        atomic.open_sync(IN_MEMORY, bidders=[atomic.FunctionBidder("guess", guess)]) as market,
        ThreadPoolExecutor(8) as pool,
    ):
        answers = list(pool.map(lambda number: market.run(kind, f"pills {number}").answer, range(40)))

    assert ["spam"] * 40 == answers


def test_the_thread_and_the_bidders_are_gone_after_the_block() -> None:
    bidder = ScriptedBidder("one", ["ham"])

    def use() -> None:
        with atomic.open_sync(IN_MEMORY, bidders=[bidder]):
            assert ["atomic market"] == _threads()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        use()

    assert bidder.closed > 0
    assert [] == _threads()


def test_a_market_that_cannot_open_leaves_no_thread() -> None:
    with pytest.raises(atomic.ConfigError), atomic.open_sync({"markt": {}}):
        raise AssertionError("it opened")

    assert [] == _threads()


def test_the_callers_thread_gets_no_event_loop_of_ours() -> None:
    def use() -> None:
        with atomic.open_sync(IN_MEMORY), pytest.raises(RuntimeError, match="no current event loop"):
            asyncio.get_event_loop()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(use).result()


def test_a_closed_market_says_so() -> None:
    with atomic.open_sync(IN_MEMORY) as market:
        pass

    with pytest.raises(CallerError, match="closed"):
        market.run(kind, "x")


async def test_it_works_beside_a_running_event_loop() -> None:
    def work() -> object:
        with atomic.open_sync(IN_MEMORY, bidders=[atomic.FunctionBidder("guess", guess)]) as market:
            return market.run(kind, "pills").answer

    assert "spam" == await asyncio.to_thread(work)


def test_waiting_in_the_markets_own_thread_is_refused_rather_than_waited_for_ever() -> None:
    caught: list[BaseException] = []

    async def careless(text: str) -> str:
        try:
            market.run(kind, "again")
        except CallerError as error:
            caught.append(error)
        return "ham"

    with atomic.open_sync(IN_MEMORY, bidders=[atomic.FunctionBidder("careless", careless)]) as market:
        answer = market.run(kind, "x").answer

    assert "ham" == answer
    assert ["this is the market's own thread"] == [error.message for error in caught if isinstance(error, CallerError)]


def test_interrupting_a_purchase_cancels_it_and_the_market_goes_on() -> None:
    started = threading.Event()

    asked: list[object] = []

    def script(ask: object) -> Line:
        asked.append(ask)
        if len(asked) == 2:  # once for the offer, once for the attempt
            started.set()
        return Line(answer="ham", hangs=True)

    bidder, main = ScriptedBidder("slow", script), threading.main_thread().ident
    assert main is not None

    def interrupt() -> None:
        started.wait()
        signal.pthread_kill(main, signal.SIGINT)  # as a terminal's Ctrl-C reaches the main thread

    with atomic.open_sync(IN_MEMORY, bidders=[bidder]) as market:
        threading.Thread(target=interrupt).start()
        with pytest.raises(KeyboardInterrupt):
            market.run(kind, "x")

        assert 1 == bidder.cancelled
        assert "finished" in [event.kind for event in market.ledger.read()]


def test_a_forked_child_is_told_to_open_its_own_instead_of_waiting_for_ever() -> None:
    with atomic.open_sync(IN_MEMORY, bidders=[atomic.FunctionBidder("guess", guess)]) as market:
        child = os.fork()
        if child == 0:
            signal.alarm(10)  # what waits for ever is ended
            try:
                market.run(kind, "cheap pills")
            except CallerError:
                os._exit(7)
            os._exit(0)
        _, status = os.waitpid(child, 0)

        assert 7 == os.waitstatus_to_exitcode(status)
        assert "spam" == market.run(kind, "cheap pills").answer
