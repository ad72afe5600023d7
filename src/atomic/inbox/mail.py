"""Bytes of a mail to a `Mail`: never raises, bounded work, and says what was wrong.

The way: MIME tree (`mail_parts`), header fields (`mail_headers`), body text (`mail_body`), machine or person
(`automatic`). The mail's own words are kept apart from what it quotes and from what it hides.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from atomic.inbox import mail_headers as fields_of
from atomic.inbox.automatic import EVIDENCE_FIELDS, Automatic, recognise
from atomic.inbox.mail_body import Attachment, Body, read_body
from atomic.inbox.mail_parts import Part, Tree

__all__ = ["Attachment", "Mail", "parse", "subjects_of"]

# What a fair test of a spam filter may see: list headers of public corpora give the labels away.
VISIBLE_WHEN_HIDDEN = frozenset({"from", "to", "subject", "date", "content-type"})

DEFECTS_LIMIT = 20


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail as read; every text is clean Unicode that encodes to UTF-8.

    `sha256` and `size` (bytes) are of the raw bytes. Message ids keep their angle brackets, as in the header.
    `text` is what the sender wrote, `quoted` what they quoted or forwarded, `hidden` what HTML hides from a reader
    (never part of `text`). `thread` is the id of the thread's first mail: first reference, else what it replies
    to, else its own id, else `sha256:…`, so it is never empty. `headers` holds the fields that say a machine sent
    it, as (lower-case name, value). Addresses are lower-case; `sender` is "" when there is none.
    """

    sha256: str
    size: int
    message_id: str | None
    in_reply_to: str | None
    references: tuple[str, ...]
    sender: str
    sender_name: str
    reply_to: str | None
    recipients: tuple[str, ...]
    subject: str
    date: datetime | None
    content_type: str
    text: str
    quoted: str
    hidden: str
    link_hosts: tuple[str, ...]
    attachments: tuple[Attachment, ...]
    thread: str
    list_id: str | None
    automatic: Automatic | None
    headers: tuple[tuple[str, str], ...]
    defects: tuple[str, ...]

    @property
    def words(self) -> str:
        """Its own text, or what it quotes when it has none of its own (a bare forward)."""
        return self.text or self.quoted


def parse(raw: bytes, *, hide_headers: bool = False) -> Mail:
    """Read a mail; never raises, whatever the bytes.

    With `hide_headers` nothing of the top-level header is shown but From, To, Subject, Date and Content-Type: ids,
    references, Cc, Reply-To, list id and the evidence for machines are then None or empty. (The transfer encoding
    is still used to decode the body.)

    Work grows linearly with the size; beyond stated limits (depth, parts, header bytes, characters of text) the rest
    is not read and `defects` says so.

    >>> mail = parse(b"From: Ann <Ann@Example.com>\\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\\n\\nHello\\n> quoted\\n")
    >>> mail.sender, mail.subject, mail.text, mail.quoted
    ('ann@example.com', 'Grüße', 'Hello', 'quoted')
    >>> parse(b"").text, parse(b"").defects
    ('', ('empty',))
    """
    tree = Tree(raw)
    top = tree.read()
    body = read_body(raw, top)
    values = fields_of.fields(top.message)
    if hide_headers:
        values = {name: value for name, value in values.items() if name in VISIBLE_WHEN_HIDDEN}
    defects = (["empty"] if not raw.strip() else []) + tree.defects + body.defects
    return _mail(raw, top, body, values, defects)


def subjects_of(mail: Mail) -> tuple[str, ...]:
    """Give the data subjects of a mail, whose erasure redacts it: its sender and each recipient, once each.

    >>> subjects_of(parse(b"From: a@example.com\\nTo: b@example.com, a@example.com\\n\\n"))
    ('a@example.com', 'b@example.com')
    """
    return tuple(dict.fromkeys(address for address in (mail.sender, *mail.recipients) if address))


def _mail(raw: bytes, top: Part, body: Body, values: Mapping[str, list[str]], defects: list[str]) -> Mail:
    digest = hashlib.sha256(raw).hexdigest()
    name, sender = next(iter(fields_of.mailboxes(values.get("from", ()) or values.get("sender", ()))), ("", ""))
    if not sender and "from" in values:
        defects.append("From holds no address")
    subject = fields_of.decoded(_first(values, "subject"), fields_of.SUBJECT_LIMIT)
    date = fields_of.date(_first(values, "date"))
    if date is None and "date" in values:
        defects.append("Date is no date")
    message_id = next(iter(fields_of.identifiers(values.get("message-id", ()))), None)
    references = fields_of.identifiers(values.get("references", ()))
    replied = next(iter(fields_of.identifiers(values.get("in-reply-to", ()))), None)
    evidence = fields_of.evidence_fields(values, EVIDENCE_FIELDS)
    kind = fields_of.content_type(top.message)
    return Mail(
        sha256=digest,
        size=len(raw),
        message_id=message_id,
        in_reply_to=replied,
        references=references,
        sender=sender,
        sender_name=name,
        reply_to=next((address for _, address in fields_of.mailboxes(values.get("reply-to", ()))), None),
        recipients=tuple(address for _, address in fields_of.mailboxes([*values.get("to", ()), *values.get("cc", ())])),
        subject=subject,
        date=date,
        content_type=kind,
        text=body.text,
        quoted=body.quoted,
        hidden=body.hidden,
        link_hosts=body.link_hosts,
        attachments=tuple(body.attachments),
        thread=next(iter(references), None) or replied or message_id or f"sha256:{digest}",
        list_id=evidence.get("list-id") or None,
        automatic=recognise(evidence, content_type=kind, sender=sender, subject=subject),
        headers=tuple(evidence.items()),
        defects=tuple(dict.fromkeys(defects))[:DEFECTS_LIMIT],
    )


def _first(values: Mapping[str, list[str]], name: str) -> str:
    return next(iter(values.get(name, ())), "")
