"""The body of a mail: which of its parts a person reads, as text; the rest as attachments.

Of alternatives the plain text is taken, unless it is empty or a stub beside much longer HTML. A mail inside the
mail (a forward, a digest, what bounced) counts as quoted, since its words are not the sender's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from atomic.inbox import mail_headers as headers
from atomic.inbox.html_text import render
from atomic.inbox.mail_parts import Part, body, decoded_size
from atomic.inbox.mail_text import decode, fold, split_quoted

TEXT_LIMIT = 20_000
HIDDEN_LIMIT = 5_000
# Bytes decoded for text in the whole mail; what lies beyond cannot matter within `TEXT_LIMIT` characters.
DECODED_LIMIT = 1_000_000
PART_LIMIT = 500_000


@dataclass(frozen=True, slots=True)
class Attachment:
    """What is attached: name ("" when it has none), media type and size in bytes when decoded."""

    name: str
    content_type: str
    size: int


@dataclass(slots=True)
class Body:
    """What was found in the parts read so far."""

    text: str = ""
    quoted: str = ""
    hidden: str = ""
    link_hosts: tuple[str, ...] = ()
    attachments: list[Attachment] = field(default_factory=list)
    defects: list[str] = field(default_factory=list)
    budget: int = DECODED_LIMIT

    def add(self, other: Body) -> None:
        """Append the texts and attachments of another body."""
        self.text = _joined(self.text, other.text)
        self.quoted = _joined(self.quoted, other.quoted)
        self._add_rest(other)

    def add_as_quoted(self, other: Body) -> None:
        """Append another mail's words as quoted ones."""
        self.quoted = _joined(self.quoted, _joined(other.text, other.quoted))
        self._add_rest(other)

    def _add_rest(self, other: Body) -> None:
        self.hidden = " ".join(filter(None, (self.hidden, other.hidden)))[:HIDDEN_LIMIT]
        self.link_hosts = tuple(dict.fromkeys(self.link_hosts + other.link_hosts))[:50]
        self.attachments.extend(other.attachments)
        self.defects.extend(other.defects)
        self.budget = min(self.budget, other.budget)


def read_body(raw: bytes, top: Part) -> Body:
    """Give the readable text of a mail and its attachments; text and quoted at most `TEXT_LIMIT` characters each."""
    found = _read(raw, top, DECODED_LIMIT)
    for name in ("text", "quoted"):
        if len(getattr(found, name)) > TEXT_LIMIT:
            setattr(found, name, getattr(found, name)[:TEXT_LIMIT].rstrip())
            found.defects.append(f"{name}: only the first {TEXT_LIMIT} characters kept")
    return found


def _read(raw: bytes, part: Part, budget: int) -> Body:
    if part.content_type == "message/rfc822":
        inner = Body(budget=budget)
        size = Attachment(part.filename, part.content_type, part.end - part.start)
        inner.attachments.append(size)
        inner.add_as_quoted(_each(raw, part.children, budget))
        return inner
    if part.content_type == "multipart/alternative":
        return _alternative(raw, part, budget)
    if part.children:
        return _each(raw, part.children, budget)
    is_text = part.content_type in {"text/plain", "text/html", "text/enriched"}
    if not is_text or part.disposition == "attachment" or part.filename:
        size_and_name = Attachment(part.filename, part.content_type, decoded_size(raw, part))
        return Body(attachments=[size_and_name], budget=budget)
    return _text(raw, part, budget)


def _each(raw: bytes, parts: Sequence[Part], budget: int) -> Body:
    found = Body(budget=budget)
    for part in parts:
        found.add(_read(raw, part, found.budget))
    return found


def _alternative(raw: bytes, part: Part, budget: int) -> Body:
    """Plain and HTML of the same content: one is the text, both tell what is hidden, linked and attached."""
    found = Body(budget=budget)
    plain = html = Body()
    for child in part.children:
        alternative = _read(raw, child, found.budget)
        if child.content_type == "text/plain":
            plain = alternative if not plain.text else plain
        elif alternative.text or alternative.quoted:
            html = alternative
        found._add_rest(alternative)
    stub = len(plain.text) < 200 and len(html.text) > 4 * len(plain.text) and not plain.quoted
    chosen = html if stub or not (plain.text or plain.quoted) else plain
    found.text, found.quoted = chosen.text, chosen.quoted
    return found


def _text(raw: bytes, part: Part, budget: int) -> Body:
    limit = min(budget, PART_LIMIT)
    if limit <= 0:
        return Body(defects=["too much text: the rest is not read"], budget=0)
    length = part.end - part.start
    decoded = decode(body(raw, part, limit), headers.parameter(part.message, "charset"))
    found = Body(budget=budget - min(length, limit))
    found.defects += [f"text part: only the first {limit} bytes read"] if length > limit else []
    found.defects += [decoded.defect] if decoded.defect else []
    text = decoded.text
    if part.content_type in {"text/html", "text/enriched"} or _is_undeclared_html(part, text):
        page = render(text)
        found.hidden = fold(page.hidden)[:HIDDEN_LIMIT]
        found.link_hosts = page.link_hosts
        found.defects.extend(page.defects)
        text = page.visible
    found.text, found.quoted = split_quoted(text[: 5 * TEXT_LIMIT])
    return found


def _is_undeclared_html(part: Part, text: str) -> bool:
    # Real spam often sends HTML as text/plain or with no type at all; mail programs show it as a page.
    start = text[:200].lstrip().lower()
    return part.content_type == "text/plain" and start.startswith(("<html", "<!doctype html", "<body", "<head"))


def _joined(first: str, second: str) -> str:
    return f"{first}\n\n{second}" if first and second else first or second
