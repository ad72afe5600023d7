"""Money is an integer count of nano-USD: one billionth of a dollar. Scores are compared as integers."""

from __future__ import annotations

import re
from decimal import Decimal

from atomic.errors import TaskError

NANO = 1_000_000_000
_MOST_DOLLARS = 9_000_000_000  # in 64 bits
_AMOUNT = re.compile(r"\$?(\d+(?:_\d+)*(?:\.\d+)?|\.\d+)$")


def nano_usd(amount: str | int | float | Decimal) -> int:
    """Nano-USD of an amount written as "$0.002" or given in dollars.

    Raises TaskError when the text is not an amount or the amount is negative.

    >>> nano_usd("$0.002")
    2000000
    >>> nano_usd(1)
    1000000000
    """
    if isinstance(amount, str):
        found = _AMOUNT.match(amount.strip())
        if found is None:
            raise TaskError(f"{amount!r} is not an amount of money", hint='write it as "$0.002"')
        amount = found.group(1)
    if isinstance(amount, bool):
        raise TaskError(f"{amount!r} is not an amount of money", hint='write it as "$0.002"')
    value = Decimal(str(amount))
    if not value.is_finite() or not 0 <= value <= _MOST_DOLLARS:
        raise TaskError(
            f"{amount!r} is not an amount of money", hint="it must be finite, not negative, and below $9 billion"
        )
    return int((value * NANO).to_integral_value())


def dollars(nano: int) -> str:
    """An amount for people: enough digits to see it, no more.

    >>> dollars(2_000_000), dollars(1_234), dollars(0), dollars(-5_000_000_000)
    ('$0.002', '$0.00000123', '$0', '-$5.00')
    """
    if nano == 0:
        return "$0"
    sign, value = ("-" if nano < 0 else ""), Decimal(abs(nano)) / NANO
    if value >= 1:
        return f"{sign}${value:.2f}"
    digits = -value.adjusted() + 2
    return f"{sign}${value:.{digits}f}".rstrip("0").rstrip(".")
