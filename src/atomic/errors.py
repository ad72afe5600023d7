"""Every error Atomic raises, split by who can act on it.

AtomicError
├── CallerError            the program that called us can fix it
│   ├── TaskError          a microtask's declaration or input is not usable
│   ├── Conflict           the same request id with another input
│   ├── NotFound           no such request, bidder or event
│   │   └── Erased         it was there, and was erased for ever
│   ├── KeyRefused         no key was shown, or not one that may do this
│   └── TooMany            more than a limit lets through now; says when to come again
├── OperatorError          the person who runs the market can fix it
│   ├── ConfigError        atomic.toml: file, line, key and the nearest valid name
│   ├── MissingExtra       a hand's library is not installed: which line installs it
│   ├── MissingPrice       an unknown price is an error, never 0
│   ├── LedgerLocked       another process holds the ledger for too long
│   └── LedgerUnwritable   disk full, read-only, vanished: nothing was acknowledged
├── ProviderError          a bidder's side failed; the runner-up takes over
│   ├── BidderFailed       it answered with an error, junk, or crashed
│   ├── BidderTimedOut     it did not answer before its deadline
│   └── CutAnswer          the answer ended without a terminal reason
├── Tampered               the ledger's chain does not verify
└── Bug                    our own promise is broken; please report

A spent budget, a refusal and a settled request are not errors: they are values.
"""

from __future__ import annotations


class AtomicError(Exception):
    """Any error of Atomic's; `hint` says what to do, `retryable` whether the same call may succeed later."""

    retryable = False

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(f"{message}\n  {hint}" if hint else message)
        self.message = message
        self.hint = hint


class AtomicWarning(UserWarning):
    """Something that works, and should be mended all the same; its words are written to be read."""


class CallerError(AtomicError):
    """The calling program can fix it."""


class TaskError(CallerError):
    """A microtask's declaration or its input is not usable."""


class Conflict(CallerError):
    """A request id was used before with another input."""


class NotFound(CallerError):
    """There is no such request, bidder or event."""


class Erased(NotFound):
    """What is asked for was erased for ever."""


class KeyRefused(CallerError):
    """No key was shown, or not one that may do this; `known` says that it was a key of ours."""

    def __init__(self, message: str, *, hint: str = "", known: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.known = known


class TooMany(CallerError):
    """More than a limit lets through; come again after `seconds`. `ours`: no limit of the caller's, all is full."""

    retryable = True

    def __init__(self, message: str, *, seconds: float, hint: str = "", ours: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.seconds = seconds
        self.ours = ours


class OperatorError(AtomicError):
    """The person who runs the market can fix it."""


class ConfigError(OperatorError):
    """A configuration is wrong; says file, line, key and the nearest valid name."""


class MissingExtra(OperatorError):
    """A hand's library is not installed; says which line installs it."""


class MissingPrice(OperatorError):
    """A bidder's price is unknown; it is never treated as free."""


class LedgerLocked(OperatorError):
    """Another process held the ledger for longer than the time limit; nothing was acknowledged."""

    retryable = True


class LedgerUnwritable(OperatorError):
    """The ledger cannot be written (disk full, read-only, vanished); nothing was acknowledged."""


class ProviderError(AtomicError):
    """A bidder's side failed."""

    retryable = True


class BidderFailed(ProviderError):
    """A bidder answered with an error or junk, or crashed."""


class BidderTimedOut(ProviderError):
    """A bidder did not answer before its deadline."""


class CutAnswer(ProviderError):
    """An answer ended without a terminal reason seen; it is never returned as whole."""


class Tampered(AtomicError):
    """The ledger's chain does not verify."""


class Bug(AtomicError):
    """One of our own promises is broken."""
