"""A budget: so much money for so many requests, or for each hour, day, week or month."""

from __future__ import annotations

import datetime
import re
import zoneinfo
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal, get_args

from atomic.errors import TaskError
from atomic.records.money import dollars, nano_usd

Period = Literal["", "hour", "day", "week", "month"]
WhenSpent = Literal["refuse", "cheapest", "observe"]
PERIODS: tuple[str, ...] = get_args(Period)[1:]
_MANY = re.compile(r"([1-9][0-9]{0,8})(k|m)?\Z")
_TIMES = {"": 1, "k": 1_000, "m": 1_000_000}
_NANO = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What a window may cost. Make one with `Budget.of`; a window is `requests` requests, or else a calendar `period`.

    Money left at a window's end passes on to the next one where `carry_over` says so, at most one window's worth of it;
    so does what was spent too much. `when_spent`: "refuse" buys nothing that has a price until the next window,
    "cheapest" buys the cheapest bid alone, "observe" lets the `incumbent` alone answer.
    """

    amount: int  # nano-USD
    requests: int = 0
    period: Period = ""
    time_zone: str = "UTC"
    carry_over: bool = False
    when_spent: WhenSpent = "refuse"
    incumbent: str = ""

    @classmethod
    def of(
        cls,
        text: str | Budget,
        *,
        time_zone: str = "UTC",
        carry_over: bool | None = None,
        when_spent: WhenSpent = "refuse",
        incumbent: str = "",
    ) -> Budget:
        """Read "$2/1k" (for 1,000 requests) or "$20/day". Raises TaskError.

        What is left of a window of requests passes on unless `carry_over` is False: the amount is a mean then.

        >>> str(Budget.of("$2/1k")), str(Budget.of("$20/day", time_zone="Europe/Berlin", when_spent="cheapest"))
        ('$2.00/1k', '$20.00/day')
        """
        if isinstance(text, Budget):
            return text
        amount, _, window = str(text).partition("/")
        hint = 'write it as "$2/1k" (for 1,000 requests) or "$20/day"'
        many = _MANY.match(window.strip().lower())
        if many is None and window.strip() not in PERIODS:
            raise TaskError(f"{text!r} is not a budget", hint=hint)
        nano = nano_usd(amount)
        if nano == 0:
            raise TaskError(f"{text!r} is not a budget: it is nothing", hint=hint)
        if when_spent not in get_args(WhenSpent):
            raise TaskError(f"when_spent={when_spent!r}", hint=f"one of {', '.join(get_args(WhenSpent))}")
        if (when_spent == "observe") != bool(incumbent):
            raise TaskError(
                f"when_spent={when_spent!r}, incumbent={incumbent!r}",
                hint='who observes names the bidder that answers: when_spent="observe", incumbent="mini"',
            )
        _zone(time_zone)
        budget = cls(
            amount=nano,
            time_zone=time_zone,
            carry_over=many is not None if carry_over is None else carry_over,
            when_spent=when_spent,
            incumbent=incumbent,
        )
        if many is not None:
            return replace(budget, requests=int(many.group(1)) * _TIMES[many.group(2) or ""])
        return replace(budget, period=window.strip())  # type: ignore[arg-type]  # one of PERIODS

    def __str__(self) -> str:
        thousands = self.requests and self.requests % 1_000 == 0
        many = f"{self.requests // 1_000}k" if thousands else str(self.requests)
        return f"{dollars(self.amount)}/{self.period or many}"

    @property
    def name(self) -> str:
        """What tells it from other budgets: equal names, equal budgets."""
        many = self.period or self.requests
        passed = "carry" if self.carry_over else "forget"
        return f"{self.amount}/{many} {self.time_zone} {passed} {self.when_spent} {self.incumbent}".rstrip()

    def window(self, time_ns: int) -> tuple[int, int]:
        """Beginning and end in nanoseconds of the calendar window that a time lies in.

        >>> day = Budget.of("$20/day", time_zone="Europe/Berlin")
        >>> begin, end = day.window(1_774_742_400_000_000_000)  # the day on which the clocks go forward
        >>> (end - begin) // 3_600_000_000_000
        23
        """
        return _window(self.period, self.time_zone, time_ns // _NANO)


@lru_cache(maxsize=64)
def _zone(name: str) -> zoneinfo.ZoneInfo:
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise TaskError(f"{name!r} is no time zone", hint='such as "UTC" or "Europe/Berlin"') from None


def _window(period: Period, zone: str, seconds: int) -> tuple[int, int]:
    local = datetime.datetime.fromtimestamp(seconds, tz=_zone(zone))
    if period == "hour":
        begin = seconds - local.minute * 60 - local.second
        return begin * _NANO, (begin + 3_600) * _NANO
    day = local.date()
    if period == "week":
        day -= datetime.timedelta(days=day.weekday())
    elif period == "month":
        day = day.replace(day=1)
    after = {"day": 1, "week": 7, "month": 31}[period]
    then = day + datetime.timedelta(days=after)
    if period == "month":
        then = (day + datetime.timedelta(days=32)).replace(day=1)
    return _midnight(day, zone), _midnight(then, zone)


def _midnight(day: datetime.date, zone: str) -> int:
    return int(datetime.datetime(day.year, day.month, day.day, tzinfo=_zone(zone)).timestamp()) * _NANO
