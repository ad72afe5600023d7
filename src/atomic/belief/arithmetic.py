"""exp and log in plain IEEE operations, in a written order: the same bits on every machine and in every language.

Libraries differ in the last bit of exp and log; a replay that must be exact cannot use them. Both routines here
are within two units in the last place of the true value over the range that beliefs use.
"""

from __future__ import annotations

from math import frexp, ldexp, sqrt

_LN2_HIGH = 0.6931471803691238  # ln 2 in two parts (fdlibm), so that k * high is exact for |k| < 2**20
_LN2_LOW = 1.9082149292705877e-10
_INVERSE_LN2 = 1.4426950408889634
_SQRT_HALF = 0.7071067811865476
_LIMIT = 700.0
_SMALLEST = 1e-6  # probabilities are kept in [1e-6, 1 - 1e-6]: beyond that log-odds mean nothing


def exp(x: float) -> float:
    """e to the power of x, x clipped to [-700, 700].

    >>> exp(0.0), abs(exp(1.0) - 2.718281828459045) < 1e-15
    (1.0, True)
    """
    x = min(_LIMIT, max(-_LIMIT, x))
    k = int(x * _INVERSE_LN2 + (0.5 if x >= 0.0 else -0.5))
    r = (x - k * _LN2_HIGH) - k * _LN2_LOW
    # Taylor series by Horner: |r| <= 0.35, so the term after r**13 / 13! is below half a unit in the last place.
    # Written out, not a loop: an auction takes hundreds of these, and it is a third faster.
    total = 1.0 + r / 13.0
    total = 1.0 + r / 12.0 * total
    total = 1.0 + r / 11.0 * total
    total = 1.0 + r / 10.0 * total
    total = 1.0 + r / 9.0 * total
    total = 1.0 + r / 8.0 * total
    total = 1.0 + r / 7.0 * total
    total = 1.0 + r / 6.0 * total
    total = 1.0 + r / 5.0 * total
    total = 1.0 + r / 4.0 * total
    total = 1.0 + r / 3.0 * total
    total = 1.0 + r / 2.0 * total
    return ldexp(1.0 + r * total, k)


def log(x: float) -> float:
    """The natural logarithm of a positive x.

    >>> log(1.0), abs(log(10.0) - 2.302585092994046) < 1e-15
    (0.0, True)
    """
    m, k = frexp(x)
    if m < _SQRT_HALF:
        m, k = m * 2.0, k - 1
    s = (m - 1.0) / (m + 1.0)
    square = s * s
    # 2 atanh(s): |s| <= 0.172, so the term after s**21 is below half a unit in the last place.
    total = 1.0 / 21.0
    total = 1.0 / 19.0 + square * total
    total = 1.0 / 17.0 + square * total
    total = 1.0 / 15.0 + square * total
    total = 1.0 / 13.0 + square * total
    total = 1.0 / 11.0 + square * total
    total = 1.0 / 9.0 + square * total
    total = 1.0 / 7.0 + square * total
    total = 1.0 / 5.0 + square * total
    total = 1.0 / 3.0 + square * total
    total = 1.0 + square * total
    return k * _LN2_HIGH + (2.0 * s * total + k * _LN2_LOW)


def sigmoid(x: float) -> float:
    """The probability with log-odds x.

    >>> sigmoid(0.0)
    0.5
    """
    if x >= 0.0:
        return 1.0 / (1.0 + exp(-x))
    e = exp(x)
    return e / (1.0 + e)


def logit(p: float) -> float:
    """The log-odds of a probability, which is first clipped to [1e-6, 1 - 1e-6].

    >>> logit(0.5)
    0.0
    """
    p = min(1.0 - _SMALLEST, max(_SMALLEST, p))
    return log(p / (1.0 - p))


def moderated(mean: float, variance: float) -> float:
    """The probability whose log-odds are normal with this mean and variance (MacKay 1992, eq. 31).

    >>> moderated(2.0, 0.0) == sigmoid(2.0), 0.5 < moderated(2.0, 4.0) < sigmoid(2.0)
    (True, True)
    """
    return sigmoid(mean / sqrt(1.0 + 0.39269908169872414 * variance))
