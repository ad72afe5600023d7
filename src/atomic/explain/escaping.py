"""What strangers wrote, made harmless for a page."""

from __future__ import annotations

import html
import json


def escaped(text: str) -> str:
    """Text as HTML: markup is escaped, and what is not seen or turns writing around is spelled out.

    >>> escaped("<b>tea</b>" + chr(0x202e))
    '&lt;b&gt;tea&lt;/b&gt;\\\\u202e'
    """
    shown = "".join(one if one.isprintable() or one == "\n" else _spelled(one) for one in text)
    return html.escape(shown, quote=True)


def _spelled(one: str) -> str:
    return " " if one.isspace() else json.dumps(one)[1:-1]
