"""The rules of the market: posterior, valuation, exploration, auction. Pure functions over records."""

from atomic.rules.auction import RULES_VERSION, Verdict, auction
from atomic.rules.valuation import lookahead

__all__ = ["RULES_VERSION", "Verdict", "auction", "lookahead"]
