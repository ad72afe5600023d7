"""HTML of a mail to the text a reader sees, with what it hides kept apart.

Work is bounded: at most `HTML_LIMIT` characters and `TAG_LIMIT` opening brackets are looked at, because
`html.parser` of Python 3.11 needs quadratic time on crafted input.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html.parser import HTMLParser

HTML_LIMIT = 400_000
TAG_LIMIT = 20_000
OPEN_TAG_LIMIT = 2_000

# Their content is never text a reader sees.
_UNSEEN = frozenset({"script", "style", "title", "template", "noframes", "noembed", "iframe", "object", "svg"})
_VOID = frozenset({"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"})
_BLOCK = frozenset(
    "address article aside blockquote body caption center dd div dl dt fieldset footer form h1 h2 h3 h4 h5 h6 "
    "header hr li main nav ol option p pre section table tr ul".split()
)
_PARAGRAPH = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "table", "ul", "ol", "blockquote"})
# HTML lets these stay open; the next of their kind, or the end of what holds them, closes them.
_ENDS_ITSELF = {"p": _BLOCK, "li": {"li", "ul", "ol"}, "td": {"td", "tr", "table"}, "tr": {"tr", "table"}}
# An empty comment, not "": what stands left and right of it must not grow together into a tag.
_NOTHING = "<!---->"
_COMMENT = re.compile(r"<!--(?:-?>|.*?--!?>)", re.DOTALL)
_MARKED_SECTION = re.compile(r"<!\[[^<>]{0,1000}>")
_HIDING_STYLE = re.compile(
    r"display:none|visibility:hidden|mso-hide:all|font-size:0+(?:\.0+)?(?:px|pt|em|rem|%)?(?:;|!|$)"
    r"|(?<![a-z-])opacity:0+(?:\.0+)?(?:;|!|$)|max-height:0(?:px)?(?:;|!|$)"
)
_QUOTING = re.compile(r"(?:gmail|yahoo|zmail)_(?:quote|quoted|extra)\b|moz-cite-prefix|divrplyfwdmsg|protonmail_quote")


@dataclass(frozen=True, slots=True)
class HtmlText:
    """Rendered HTML: lines a reader sees (quoted ones start with `> `), and text hidden from the reader."""

    visible: str
    hidden: str
    link_hosts: tuple[str, ...]
    defects: tuple[str, ...]


def render(html: str) -> HtmlText:
    """Give the text of an HTML body; never raises, and never shows what `<script>` or `<style>` contain.

    Hidden is what an inline style or attribute hides (`display:none`, `visibility:hidden`, `font-size:0`,
    `opacity:0`, `max-height:0`, `hidden`). Text hidden by a style sheet, by its colour or by position is not
    recognised. Comments are dropped. Images give their `alt` text.

    >>> page = render('<p>Dear Ann,<br>see <b>below</b>.</p><div style="display: none">Obey me</div>')
    >>> page.visible
    'Dear Ann,\\nsee below.'
    >>> page.hidden
    'Obey me'
    >>> render('<script>track()</script>Hello').visible
    'Hello'
    """
    defects = []
    if len(html) > HTML_LIMIT:
        html = html[:HTML_LIMIT]
        defects.append(f"html: only the first {HTML_LIMIT} characters read")
    if html.count("<") > TAG_LIMIT:
        html = _up_to_tag(html, TAG_LIMIT)
        defects.append(f"html: only the first {TAG_LIMIT} tags read")
    renderer = _Renderer()
    try:
        renderer.feed(_defused(html))
        renderer.close()
    except (AssertionError, ValueError, IndexError) as error:  # `<![if` and its kin raise in html.parser
        defects.append(f"html: read as far as possible ({type(error).__name__})")
    return HtmlText(
        "".join(renderer.seen).strip(), " ".join(renderer.hidden).strip(), tuple(renderer.hosts), tuple(defects)
    )


def _up_to_tag(html: str, limit: int) -> str:
    position = -1
    for _ in range(limit + 1):
        position = html.find("<", position + 1)
    return html[:position]


def _defused(html: str) -> str:
    """Take out what costs `html.parser` quadratic time: comments never closed, and tags opened by the thousand
    before one is closed."""
    unclosed = html.find("<!--", max(html.rfind("-->"), html.rfind("--!>")) + 1)
    html = _COMMENT.sub(_NOTHING, html[: unclosed if unclosed >= 0 else None])
    pieces = _MARKED_SECTION.sub(_NOTHING, html).replace("<![", "&lt;![").split("<")
    opened: list[str] = []
    distance = HTML_LIMIT
    for piece in reversed(pieces[1:]):
        end = piece.find(">")
        distance = end if end >= 0 else distance + len(piece) + 1
        if end >= 0 or distance <= OPEN_TAG_LIMIT:
            opened.append("<" + piece)
        elif piece[:6].lower().startswith(("script", "style")):
            opened.clear()  # never closed, so all that follows is script and no text
        else:
            opened.append("&lt;" + piece)
    return pieces[0] + "".join(reversed(opened))


class _Region:
    """The element that hides or quotes what is inside it; one at a time, so that no stack can grow."""

    def __init__(self) -> None:
        self.tag = ""
        self.depth = 0

    def __bool__(self) -> bool:
        return self.depth > 0

    def enter(self, tag: str) -> None:
        self.tag, self.depth = tag, 1

    def start(self, tag: str) -> None:
        if not self.depth:
            return
        if tag in _ENDS_ITSELF.get(self.tag, ()):
            self.depth = 0
        elif tag == self.tag:
            self.depth += 1

    def end(self, tag: str) -> None:
        if self.depth and tag == self.tag:
            self.depth -= 1
        elif tag in _ENDS_ITSELF.get(self.tag, ()) and tag in {"table", "ul", "ol", "div", "tr", "body"}:
            self.depth = 0


class _Renderer(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.seen: list[str] = []
        self.hidden: list[str] = []
        self.hosts: dict[str, None] = {}
        self._unseen = _Region()
        self._concealed = _Region()
        self._quote = _Region()
        self._preformatted = _Region()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._unseen:
            self._unseen.start(tag)
            return
        if tag in _UNSEEN:
            self._unseen.enter(tag)
            return
        self._break(tag)
        for region in (self._concealed, self._quote, self._preformatted):
            region.start(tag)
        values = {name: value or "" for name, value in attrs}
        if tag == "a":
            self._remember_host(values.get("href", ""))
        if tag == "img" and not self._concealed and not _hides(values):
            self.handle_data(values.get("alt", "")[:200])
        if tag in _VOID:
            return
        if not self._concealed and _hides(values):
            self._concealed.enter(tag)
        if not self._quote and _quotes(tag, values):
            self._newline()
            self._quote.enter(tag)
        if not self._preformatted and tag == "pre":
            self._preformatted.enter(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # A browser ignores the slash of `<script/>`: what follows is script all the same.
        self.handle_starttag(tag, attrs)
        if tag not in _UNSEEN:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._unseen:
            self._unseen.end(tag)
            return
        for region in (self._concealed, self._quote, self._preformatted):
            region.end(tag)
        self._break(tag)

    def handle_data(self, data: str) -> None:
        if self._unseen or not data:
            return
        if self._concealed:
            if data.strip():
                self.hidden.append(" ".join(data.split()))
            return
        text = data if self._preformatted else re.sub(r"[ \t\r\n\f]+", " ", data)
        if self._quote:
            text = text.replace("\n", "\n> ")
            if not self.seen or self.seen[-1].endswith("\n"):
                text = "> " + text
        self.seen.append(text)

    def _break(self, tag: str) -> None:
        if self._concealed:
            return
        if tag == "br":
            self.seen.append("\n")
        elif tag in {"td", "th"}:
            self.seen.append(" ")
        elif tag in _PARAGRAPH:
            self._newline()
            self.seen.append("\n")
        elif tag in _BLOCK:
            self._newline()

    def _newline(self) -> None:
        if self.seen and not self.seen[-1].endswith("\n"):
            self.seen.append("\n")

    def _remember_host(self, href: str) -> None:
        host = re.match(r"\s*https?://(?:[^/?#@\s]*@)?([^/?#:\s\"'<>]{1,253})", href[:2_000], re.IGNORECASE)
        if host and len(self.hosts) < 50:
            self.hosts[host[1].lower()] = None


def _hides(values: dict[str, str]) -> bool:
    style = re.sub(r"\s+", "", values.get("style", "")[:2_000].lower())
    return "hidden" in values or bool(_HIDING_STYLE.search(style))


def _quotes(tag: str, values: dict[str, str]) -> bool:
    # A bare <blockquote> is layout in many newsletters, so only a cited one counts.
    cited = tag == "blockquote" and (values.get("type", "").lower() == "cite" or "cite" in values)
    marks = f"{values.get('class', '')} {values.get('id', '')}"[:500].lower()
    return cited or bool(_QUOTING.search(marks))
