"""Dates, times and ids as JSON schema's formats want them, out of how people write them."""

from __future__ import annotations

import datetime as dt
import re
import uuid

_MONTHS = {
    name: number
    for number, names in enumerate(
        "january jan|february feb|march mar|april apr|may|june jun|july jul|august aug|september sep sept|october oct|"
        "november nov|december dec".split("|"),
        start=1,
    )
    for name in names.split()
}
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAY_MONTH = re.compile(r"(\d{1,2})(?:st|nd|rd|th|\.)?(?: of)? ([a-z]+)\.?,? (\d{4})")
_MONTH_DAY = re.compile(r"([a-z]+)\.? (\d{1,2})(?:st|nd|rd|th)?,? (\d{4})")
_YEAR_FIRST = re.compile(r"(\d{4})([/.\-])(\d{1,2})\2(\d{1,2})")
_YEAR_LAST = re.compile(r"(\d{1,2})([/.\-])(\d{1,2})\2(\d{4})")
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2})(\.\d+)?)? ?(am|pm)?", re.IGNORECASE)
_STAMP = re.compile(
    r"(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?) ?(Z|UTC|[+-]\d{2}:?\d{2})?", re.IGNORECASE
)
FORMATS = ("date", "date-time", "time", "uuid")


def formatted(text: str, kind: str) -> str | None:
    """A text in the spelling that a format of JSON schema has; None where it is none, or could be two.

    >>> formatted("Nov 24th, 2026", "date"), formatted("24/11/2026", "date"), formatted("03/04/2026", "date")
    ('2026-11-24', '2026-11-24', None)
    """
    text = " ".join(text.split()) if len(text) <= 100 else ""
    if kind == "date":
        found = _date(text)
        return found.isoformat() if found else None
    if kind == "time":
        return _time(text)
    if kind == "uuid":
        try:
            return text if str(uuid.UUID(text)) == text.lower() else str(uuid.UUID(text))
        except ValueError:
            return None
    return _stamp(text)


def _stamp(text: str) -> str | None:
    found = _STAMP.fullmatch(text)
    if not found:
        return None
    day, clock, zone = found.groups()
    zone = (zone or "").upper()
    try:
        dt.datetime.fromisoformat(f"{day}T{clock}")
    except ValueError:
        return None
    if text[10] == "T" and len(clock) > 5 and (zone in ("", "Z") or ":" in zone) and " " not in text:
        return text  # as it should be
    zone = "Z" if zone == "UTC" else f"{zone[:3]}:{zone[-2:]}" if len(zone) == 5 else zone
    return f"{day}T{clock if len(clock) > 5 else clock + ':00'}{zone}"


def _date(text: str) -> dt.date | None:
    lower = text.casefold()
    weekday = next((number for number, day in enumerate(_DAYS) if re.match(rf"{day}|{day[:3]}\b", lower)), None)
    if weekday is not None:
        lower = re.sub(r"^[a-z]+\.?,? ", "", lower)
    found = _of_numbers(lower) or _of_words(lower)
    if found is None or (weekday is not None and found.weekday() != weekday):
        return None
    return found


def _of_words(text: str) -> dt.date | None:
    if match := _DAY_MONTH.fullmatch(text):
        day, month, year = match.groups()
    elif match := _MONTH_DAY.fullmatch(text):
        month, day, year = match.groups()
    else:
        return None
    return _made(int(year), _MONTHS.get(month, 0), int(day))


def _of_numbers(text: str) -> dt.date | None:
    text = re.sub(r"t00:00(:00(\.0+)?)?(z|\+00:00)?$", "", text)
    if match := _YEAR_FIRST.fullmatch(text):
        return _made(int(match[1]), int(match[3]), int(match[4]))
    if match := _YEAR_LAST.fullmatch(text):
        one, other, year = int(match[1]), int(match[3]), int(match[4])
        ways = {found for found in (_made(year, other, one), _made(year, one, other)) if found}
        return ways.pop() if len(ways) == 1 else None
    return None


def _made(year: int, month: int, day: int) -> dt.date | None:
    try:
        return dt.date(year, month, day)
    except ValueError:
        return None


def _time(text: str) -> str | None:
    try:
        dt.time.fromisoformat(text)
        if text[2:3] == ":" and len(text) >= 8:
            return text
    except ValueError:
        pass
    match = _CLOCK.fullmatch(text)
    if not match:
        return None
    hour, half = int(match[1]), (match[5] or "").lower()
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "pm" else 0)
    if hour > 23 or int(match[2]) > 59 or int(match[3] or 0) > 59:
        return None
    return f"{hour:02d}:{match[2]}:{match[3] or '00'}{match[4] or ''}"
