"""Why was it bought from whom, and what would it have taken to be bought elsewhere? See docs/explanation.md."""

from atomic.explain.explained import Explained
from atomic.explain.explaining import Explanation, explain
from atomic.explain.losing import WhyNot, why_not

__all__ = ["Explained", "Explanation", "WhyNot", "explain", "why_not"]
