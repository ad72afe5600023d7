"""What of an error, a warning or another library's log may be printed: kinds and places, never what it quotes.

Messages of our own errors are written to be read. Those of others may hold what they were given: a mail, an address, a
key. Of them the type is told, and where in the code it happened.
"""

from __future__ import annotations

import logging
import sys
import threading
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from atomic.errors import AtomicError, AtomicWarning


def brief(error: BaseException) -> str:
    """The type, and of our own errors the message.

    >>> brief(AtomicError("no such mail")), brief(ValueError("Dear Ann, …"))
    ('AtomicError: no such mail', 'ValueError')
    """
    name = type(error).__name__
    return f"{name}: {error.message}" if isinstance(error, AtomicError) else name


def at_length(error: BaseException) -> str:
    """An error with its causes, the errors of a group, and the places that it came through, without any values."""
    return "\n".join(_lines(error, set()))


def _lines(error: BaseException, seen: set[int]) -> Iterator[str]:
    if id(error) in seen:
        return
    seen.add(id(error))
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None:
        yield from _lines(cause, seen)
        yield "which led to"
    yield from (f"  {place}" for place in _places(error.__traceback__))
    yield brief(error)
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from _lines(one, seen)


def _places(trace: TracebackType | None) -> Iterator[str]:
    for frame in traceback.extract_tb(trace):
        yield f"{frame.filename}:{frame.lineno} in {frame.name}"


class _Places(logging.Handler):
    """Prints of a record its logger, its level, its place, and the type of its error."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        what = f": {brief(error)}" if error is not None else ""
        _say(f"{record.name} {record.levelname.lower()} at {Path(record.pathname).name}:{record.lineno}{what}")


def keep_private() -> None:
    """From here on nothing that another library logs, warns of or raises is printed as it stands.

    For the program alone: whoever embeds a market has handlers of their own. DBOS's log is silenced where it is used.
    """
    logging.basicConfig(level=logging.WARNING, handlers=[_Places()])
    warnings.showwarning = _show_warning
    threading.excepthook = _thread_failed
    sys.unraisablehook = _not_raised


def _show_warning(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, file: TextIO | None = None,
    line: str | None = None,
) -> None:  # fmt: skip
    _say(
        str(message)
        if issubclass(category, AtomicWarning)
        else f"{category.__name__} at {Path(filename).name}:{lineno}"
    )


def _thread_failed(failure: Any) -> None:
    if failure.exc_value is not None and failure.exc_type is not SystemExit:
        _say(at_length(failure.exc_value))


def _not_raised(failure: Any) -> None:
    if failure.exc_value is not None:
        _say(f"not raised: {brief(failure.exc_value)}")


def _say(words: str) -> None:
    if sys.stderr is not None:
        sys.stderr.write(f"atomic: {words}\n")
