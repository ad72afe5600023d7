"""What the market thinks of bidders: right, price, latency, agreement. Sums and shapes, no I/O."""

from atomic.belief.fold import Beliefs

__all__ = ["Beliefs"]
