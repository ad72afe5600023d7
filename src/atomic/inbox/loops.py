"""What keeps two machines from writing to each other for ever, beyond what `automatic` recognises.

Ours are marked (`Auto-Submitted`), so a well-behaved machine does not answer them; this is for the others.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection

from atomic.inbox.automatic import AutomaticKind
from atomic.inbox.mail import Mail

_OURS = re.compile(r"<atomic\.[0-9a-f]{32}@([^<>\s]+)>")
_SUPPRESSING = {"all", "autoreply", "oof"}
_NEVER_FORWARDED = {AutomaticKind.BOUNCE, AutomaticKind.AUTO_REPLY}


def sent_id(key: str, own: str) -> str:
    """The Message-ID of what is sent for an action's key: the same however often it is made, and told as one of ours.

    >>> sent_id("3f0a/send/reply", "me@example.com")
    '<atomic.54ae9abdf90de396765bbceccdfdc6c6@example.com>'
    """
    return f"<atomic.{hashlib.sha256(key.encode()).hexdigest()[:32]}@{own.rpartition('@')[2]}>"


def why_by_hand(mail: Mail, own_addresses: Collection[str]) -> str:
    """Why a reply to a mail goes out only once a person approved it; empty where a machine may send it.

    It answers something that we sent by ourselves, or its sender's program asks for no automatic answers.
    """
    if _answers_ours(mail, own_addresses):
        return "it answers what was sent automatically"
    asked = re.split(r"[\s,;]+", dict(mail.headers).get("x-auto-response-suppress", "").lower())
    if not _SUPPRESSING.isdisjoint(asked):
        return "X-Auto-Response-Suppress"
    return ""


def why_no_forward(mail: Mail, to: str, own_addresses: Collection[str]) -> str:
    """Why a mail is not sent on to an address; empty where it may be. `own_addresses` are in lower case."""
    if mail.automatic is not None and mail.automatic.kind in _NEVER_FORWARDED:
        return mail.automatic.kind.value
    if mail.sender in own_addresses or to.lower() in own_addresses:
        return "sent by ourselves, or to ourselves"
    if to.lower() in {mail.sender, mail.reply_to, *mail.recipients}:
        return "they have it already"
    if _answers_ours(mail, own_addresses):
        return "it answers what was sent automatically"
    return ""


def _answers_ours(mail: Mail, own_addresses: Collection[str]) -> bool:
    domains = {one.rpartition("@")[2] for one in own_addresses}
    named = (mail.message_id, mail.in_reply_to, *mail.references)
    found = (_OURS.fullmatch(one) for one in named if one)
    return any(one.group(1).lower() in domains for one in found if one)
