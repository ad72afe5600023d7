"""speech: what a caller who reads along has heard: whose words, all of them so far, and how another goes on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from atomic.records.attempt import Plan
from atomic.records.conversation import CallPiece, Piece

LEAST_REPEATED = 20  # characters; a shorter beginning may be said again and be meant


class Speech:
    """One caller's hearing, or nobody's. The first bid that says something is heard, and nobody else unless it fails.

    A call of a tool that was begun can be gone on with by nobody else: `stuck`. Where `anew` is told, nothing is gone
    on with: who follows says all of it again, as typed answers are said.

    >>> heard: list[Piece] = []
    >>> speech = Speech(heard.append)
    >>> first, second = (speech.of(bid) or print for bid in ("a+plain", "b+plain"))
    >>> first("Once upon "), second("It was"), first("a time"), speech.failed("a+plain"), speech.said
    (None, None, None, None, 'Once upon a time')
    >>> later = speech.of("b+plain") or print
    >>> later(", long ago"), heard
    (None, ['Once upon ', 'a time', ', long ago'])
    """

    def __init__(self, tell: Callable[[Piece], None] | None = None, *, anew: Callable[[], None] | None = None) -> None:
        self._tell = tell
        self._anew = anew
        self._holder = ""
        self._said: list[str] = []
        self._failures = 0
        self._calls = False
        self.stuck = False

    @property
    def said(self) -> str:
        """All of the text that was heard."""
        return "".join(self._said)

    def of(self, bid: str) -> Callable[[Piece], None] | None:
        """What an attempt on this bid tells its words, in pieces; None where nobody reads along."""
        tell = self._tell
        if tell is None:
            return None
        begun, held, failures = self.said, "", self._failures

        def hear(piece: Piece) -> None:
            nonlocal begun, held
            if not piece or self._holder not in ("", bid) or failures != self._failures:
                return  # somebody else is heard, or this attempt was given up and talks on
            self._holder = bid
            if isinstance(piece, CallPiece):
                self._calls, begun = True, ""  # whatever it repeated of the beginning is through
                tell(piece)
                return
            if begun:
                # It may repeat the beginning before it goes on: that is known only once it differs, or is through.
                held += piece
                if is_repeating(begun, held):
                    return
                piece, begun = going_on(begun, held), ""
            if piece:
                if self._anew is None:
                    self._said.append(piece)
                tell(piece)

        return hear

    def failed(self, bid: str) -> None:
        """An attempt failed: if it was being heard, the next may go on."""
        self._failures += 1
        if self._holder == bid:
            self._holder, self.stuck = "", self._calls and self._anew is None
            if self._anew is not None:
                self._anew()

    def onto(self, plans: Sequence[Plan]) -> Sequence[Plan]:
        """Plans that go on with what was said."""
        return [replace(plan, begun=self.said) for plan in plans] if self._said else plans


def is_repeating(begun: str, text: str) -> bool:
    """Whether a text may yet turn out to say the whole beginning again.

    >>> is_repeating("Once upon a time, long", "Once upon"), is_repeating("Once upon a time, long", ", ago")
    (True, False)
    """
    return len(begun) >= LEAST_REPEATED and len(text) < len(begun) and begun.startswith(text)


def going_on(begun: str, text: str) -> str:
    """What a text adds to a beginning: not the beginning again, and no white space twice.

    >>> going_on("Once upon a time, long ", " ago"), going_on("Once upon a time, long", "Once upon a time, long ago")
    ('ago', ' ago')
    """
    if is_repeating(begun, text):
        return ""
    if len(begun) >= LEAST_REPEATED and text.startswith(begun):
        return text[len(begun) :]
    return text.lstrip() if begun[-1:].isspace() else text
