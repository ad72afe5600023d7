"""How the golden ledgers were made: `python tests/ledger/golden/write.py FOLDER` with the release that wrote them.

One for each schema; never made anew, since that they were written by an older release is what they are for.
"""

import asyncio
import shutil
import sys
from pathlib import Path
from typing import Literal

from atomic.belief.examples import ExampleStore
from atomic.bidders.cache import ExactCache
from atomic.bidders.function import FunctionBidder
from atomic.ledger import SqliteLedger
from atomic.market import Market, Trade
from atomic.protocols import Bidder
from atomic.records.microtask import microtask
from atomic.tactics import Plain

ANN, BOB, CARL = "ann@example.org", "bob@example.org", "carl@example.org"


@microtask(worth="$0.002", domain="mail", explore=False)
async def spam(text: str) -> Literal["spam", "ham"]:
    """Is this mail spam?"""
    raise NotImplementedError


async def write(path: Path) -> None:
    """Eight mails with right answers; where this release can erase, a ninth that was erased."""
    bidders: list[Bidder] = [
        FunctionBidder("rule", lambda text: "spam" if "winner" in text else "ham"),
        FunctionBidder("other", lambda text: "spam" if "prize" in text else "ham", price=10),
        ExactCache("cache"),
    ]
    async with SqliteLedger.open(path) as ledger:
        market = Market(ledger=ledger, bidders=bidders, tactics=[Plain()], examples=ExampleStore(), per_day=10**9)
        await market.start()
        for number in range(8):
            text = f"{'winner of a prize' if number % 2 else 'lunch'} {number}"
            subjects = (ANN, BOB) if number % 3 else (ANN,)
            await market.buy(spam(text), Trade(request_id=f"r{number}", subjects=subjects))
            await market.feedback(f"r{number}", truth="spam" if number % 2 else "ham")
        if hasattr(ledger, "erase"):
            from atomic.erasure import erase

            await market.buy(spam("about Carl"), Trade(request_id="carl", subjects=(CARL,)))
            await erase(ledger, CARL)
        await market.close()


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True)
    asyncio.run(write(folder / "ledger.db"))
    shutil.rmtree(folder / "ledger.db.holders")
