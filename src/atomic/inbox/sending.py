"""Handing a mail to a server (SMTP submission), and saying what came of it: done, failed, given up, or not known.

Up to the end of the content nothing can have been accepted, so a failure there is one. From the moment that its last
line is on its way until the server's word on it, nobody can know: a connection that breaks then is "uncertain".
What a server says is not repeated but for its codes: it may quote an address or the mail.
"""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from atomic.inbox.outside_settings import SmtpSettings

_LINE_END = re.compile(rb"\r\n|\n|\r")
_DOT = re.compile(rb"(?m)^\.")
_ENHANCED = re.compile(rb"\s*([245]\.\d{1,3}\.\d{1,3})\b")
_ADDRESS = re.compile(r"[!#-'*+\-./0-9=?A-Z^_`a-z{|}~]{1,64}@[A-Za-z0-9.-]{1,253}")  # no quoting, nothing to smuggle
_OURSELVES = "[127.0.0.1]"  # else smtplib looks this machine's name up and tells it


@dataclass(frozen=True, slots=True)
class Ended:
    """What came of handing something over; "failed" may be tried again, "given_up" not."""

    status: Literal["done", "failed", "given_up", "uncertain"]
    detail: str = ""


class _Impatient(smtplib.SMTP):
    """Waits no longer for a whole reply than for its first byte: with each byte a socket's timeout begins anew."""

    def getreply(self) -> tuple[int, bytes]:
        """See smtplib; a reply that takes longer than `timeout` is one that was cut off."""
        timer = threading.Timer(self.timeout, _cut, [self.sock])
        timer.start()
        try:
            return super().getreply()
        finally:
            timer.cancel()


class _ImpatientOverTls(_Impatient, smtplib.SMTP_SSL):
    """The same, with TLS from the first byte."""


def _cut(sock: socket.socket) -> None:
    with suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)  # an SSLSocket's own would go on in the clear until it is done


def submit(settings: SmtpSettings, password: str, *, sender: str, to: str, content: bytes) -> Ended:
    """Hand a mail over for one recipient. Blocks; never raises for what a server or a network does."""
    if not _ADDRESS.fullmatch(to):
        return Ended("given_up", "not a plain address")
    try:
        smtp = _connected(settings, password)
    except (OSError, smtplib.SMTPException, UnicodeError) as error:  # smtplib takes no password beyond ASCII
        return Ended("failed", _words(error))
    try:
        return _handed_over(smtp, sender, to, as_sent(content))
    finally:
        if smtp.sock is not None:
            with suppress(OSError, smtplib.SMTPException):
                smtp.sock.settimeout(min(5.0, settings.timeout))  # its word on the mail is in; goodbye is a courtesy
                smtp.quit()
        smtp.close()


def as_sent(content: bytes) -> bytes:
    r"""A mail as it goes over the wire: lines end with CRLF and no other way, and none is a dot alone.

    A bare CR or LF would let a mail smuggle in another (some servers end a line there, others do not).

    >>> as_sent(b"a\n.\nb\r.c")
    b'a\r\n..\r\nb\r\n..c\r\n'
    """
    lines = _DOT.sub(b"..", _LINE_END.sub(b"\n", content))
    return (lines if lines.endswith(b"\n") else lines + b"\n").replace(b"\n", b"\r\n")


def _connected(settings: SmtpSettings, password: str) -> smtplib.SMTP:
    context = ssl.create_default_context(cafile=settings.ca) if settings.security != "none" else None
    if settings.security == "implicit":
        smtp: smtplib.SMTP = _ImpatientOverTls(
            settings.host,
            settings.at_port,
            local_hostname=_OURSELVES,
            timeout=settings.timeout,
            context=context,
        )
    else:
        smtp = _Impatient(settings.host, settings.at_port, local_hostname=_OURSELVES, timeout=settings.timeout)
    try:
        if settings.security == "starttls":
            smtp.starttls(context=context)  # raises where it is not offered: a password never goes in the clear
        smtp.ehlo_or_helo_if_needed()
        if settings.user:
            smtp.login(settings.user, password)
    except BaseException:
        smtp.close()
        raise
    return smtp


def _handed_over(smtp: smtplib.SMTP, sender: str, to: str, content: bytes) -> Ended:
    limit = smtp.esmtp_features.get("size", "")
    if limit.isdigit() and 0 < int(limit) < len(content):
        return Ended("given_up", "larger than the server takes")
    wide = [] if content.isascii() or not smtp.has_extn("8bitmime") else ["BODY=8BITMIME"]
    try:
        code, said = smtp.mail(sender, wide)
        if code != 250:
            return Ended("failed", f"sender refused: {_codes(code, said)}")  # ours to mend, not the mail's fault
        code, said = smtp.rcpt(to)
        if code not in {250, 251}:
            return _refused("recipient", code, said)
        code, said = smtp.docmd("DATA")
        if code != 354:
            return _refused("mail", code, said)
        smtp.send(content)
    except (OSError, smtplib.SMTPException, UnicodeError) as error:
        return Ended("failed", _words(error))
    try:
        smtp.send(b".\r\n")
        code, said = smtp.getreply()
    except (OSError, smtplib.SMTPException) as error:
        return Ended("uncertain", f"no word from the server after the last line: {_words(error)}")
    return _last_word(code, said)


def _last_word(code: int, said: bytes) -> Ended:
    if 200 <= code <= 299:
        return Ended("done", _codes(code, said))
    if 400 <= code <= 599:
        return _refused("mail", code, said)
    return Ended("uncertain", "what the server said after the last line is no answer")  # it may have it all the same


def _refused(what: str, code: int, said: bytes) -> Ended:
    return Ended("given_up" if 500 <= code <= 599 else "failed", f"{what} refused: {_codes(code, said)}")


def _codes(code: int, said: bytes) -> str:
    found = _ENHANCED.match(said)
    return f"{code} {found.group(1).decode()}" if found else str(code)


def _words(error: Exception) -> str:
    """An error without what it quotes."""
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{type(error).__name__} {error.smtp_code}"
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
