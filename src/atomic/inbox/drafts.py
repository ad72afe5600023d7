"""Drafts as bytes: a reply that quotes, and a forward that holds the original as it came.

The same mail and the same text give the same bytes, so that writing a draft again changes nothing. With a `Stamp` it is
no draft but what is sent.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from email.errors import MessageError
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

from atomic.inbox.automatic import recognise
from atomic.inbox.mail import Mail
from atomic.inbox.mail_text import clean, one_line

_QUOTED_LINES, _TEXT = 200, 8_000
_REFERENCES = 20
_REPLIED = re.compile(r"^(?:re|aw|antw|sv|r|odp)\s*:", re.IGNORECASE)
_FORWARDED = re.compile(r"^(?:fwd?|wg|tr|rv)\s*:", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Stamp:
    """What makes a draft a mail that is sent: its Message-ID, and when."""

    message_id: str
    at: datetime


def message_id(request_id: str, action: str) -> str:
    """The Message-ID of a draft: of what it answers and how, never of the time or the machine.

    >>> message_id("3f0a", "reply") == message_id("3f0a", "reply") != message_id("3f0a", "forward")
    True
    """
    return f"<{hashlib.sha256(f'{request_id}/{action}'.encode()).hexdigest()[:32]}@atomic.invalid>"


def answerable(mail: Mail) -> tuple[str, str]:
    """The address that a reply goes to, and "" or why there is none: Reply-To before From, never a no-reply one.

    >>> from atomic.inbox.mail import parse
    >>> answerable(parse(b"From: ann@example.com\\n\\nHi"))
    ('ann@example.com', '')
    >>> answerable(parse(b"From: ann@example.com\\nReply-To: no-reply@example.com\\n\\nHi"))[1]
    'no_reply (From: no-reply@example.com)'
    """
    address = mail.reply_to or mail.sender
    machine = recognise({}, sender=address)
    if machine is not None:
        return "", f"{machine.kind.value} ({machine.evidence[0]})"
    try:
        Address(addr_spec=address)
    except (MessageError, ValueError, IndexError, AttributeError):  # `email` raises all of these on junk
        return "", "the sender's address cannot be written to"
    return address, ""


def reply(
    mail: Mail,
    text: str,
    *,
    address: str,
    request_id: str,
    own: str = "",
    suggested: bool = False,
    stamp: Stamp | None = None,
) -> bytes:
    """A reply as a mail program opens it: threaded, the original quoted, marked as written by a machine (RFC 3834).

    `own` is the sender, from the configuration; without it the mail program fills it in. A draft has no date: whoever
    sends it sets it.
    """
    draft = EmailMessage(policy=SMTP.clone(max_line_length=78))
    if own:
        draft["From"] = Address(addr_spec=own)
    draft["To"] = Address(one_line(mail.sender_name, 100) if address == mail.sender else "", addr_spec=address)
    draft["Subject"] = mail.subject if _REPLIED.match(mail.subject) else f"Re: {mail.subject}".strip()
    _mark(draft, "auto-replied", message_id(request_id, "reply"), suggested=suggested, stamp=stamp)
    if mail.message_id:
        draft["In-Reply-To"] = mail.message_id
        draft["References"] = " ".join([*mail.references[-_REFERENCES:], mail.message_id])
    draft.set_content(f"{clean(text)[:_TEXT].strip()}\n\n{_quote(mail)}\n", cte="quoted-printable")
    return draft.as_bytes()


def forward(
    mail: Mail,
    raw: bytes,
    *,
    to: str,
    request_id: str,
    own: str = "",
    suggested: bool = False,
    stamp: Stamp | None = None,
) -> bytes:
    """A forward that holds the original, byte for byte, as an attached message."""
    # Made by hand: `email` would write the original anew, and not every mail survives that.
    boundary = f"=_{hashlib.sha256(raw + to.encode()).hexdigest()[:40]}"
    subject = mail.subject if _FORWARDED.match(mail.subject) else f"Fwd: {mail.subject}".strip()
    head = EmailMessage(policy=SMTP)
    if own:
        head["From"] = Address(addr_spec=own)
    head["To"] = Address(addr_spec=to)
    _mark(head, "auto-generated", message_id(request_id, f"forward/{to}"), suggested=suggested, stamp=stamp)
    lines = [
        *head.as_bytes().decode("ascii").splitlines(),
        f"Subject: {Header(subject, 'utf-8' if not subject.isascii() else 'ascii', maxlinelen=70).encode()}",
        "MIME-Version: 1.0",
        f'Content-Type: multipart/mixed; boundary="{boundary}"',
        "",
        f"--{boundary}",
        "Content-Type: message/rfc822",
        "Content-Disposition: attachment",
        "Content-Transfer-Encoding: 8bit",
        "",
    ]
    start = "\r\n".join(line for index, line in enumerate(lines) if line or index >= len(lines) - 6)
    return start.encode() + b"\r\n" + raw + f"\r\n--{boundary}--\r\n".encode()


def _mark(draft: EmailMessage, kind: str, ident: str, *, suggested: bool, stamp: Stamp | None) -> None:
    draft["Auto-Submitted"] = kind
    if stamp is not None:
        draft["Message-ID"] = stamp.message_id
        draft["Date"] = stamp.at
        return
    draft["Message-ID"] = ident
    draft["X-Unsent"] = "1"  # mail programs that know it open the file for editing
    draft["X-Atomic-Status"] = "suggested" if suggested else "draft"


def _quote(mail: Mail) -> str:
    when = f"On {mail.date:%Y-%m-%d %H:%M} UTC, " if mail.date else ""
    name = one_line(mail.sender_name, 100) or mail.sender
    lines = mail.words.splitlines()
    cut = ["> […]"] if len(lines) > _QUOTED_LINES else []
    return "\n".join([f"{when}{name} wrote:", *(f"> {line}"[:900] for line in lines[:_QUOTED_LINES]), *cut])
