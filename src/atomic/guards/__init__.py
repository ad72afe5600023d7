"""Guards: what is personal is masked before it leaves the house, what tries to steer is told, what leaks is found."""

from atomic.guards.injection import suspicion
from atomic.guards.leaks import leaks, no_leaks
from atomic.guards.masked import Masked
from atomic.guards.masking import Masking, Unmasking
from atomic.guards.personal import KINDS, Found, personal

__all__ = [
    "KINDS",
    "Found",
    "Masked",
    "Masking",
    "Unmasking",
    "leaks",
    "no_leaks",
    "personal",
    "suspicion",
]
