"""The MIME tree of a mail as offsets into its bytes, in bounded work.

Boundaries are searched for by hand: the feed parser of `email` recurses per level (RecursionError on a nesting
bomb) and tries every open boundary on every line, which a hostile 50 MB mail turns into minutes.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import Message

from atomic.inbox import mail_headers as headers

DEPTH_LIMIT = 12
PARTS_LIMIT = 300
TOP_HEADER_LIMIT = 256 * 1024
PART_HEADER_LIMIT = 16 * 1024
BOUNDARY_HITS_LIMIT = 20_000


@dataclass(frozen=True, slots=True)
class Part:
    """One node of the MIME tree; its body is `raw[start:end]`."""

    message: Message = field(repr=False)
    content_type: str
    start: int
    end: int
    children: tuple[Part, ...] = ()

    @property
    def disposition(self) -> str:
        """`attachment`, `inline` or "" as declared."""
        value = headers.fields(self.message).get("content-disposition", [""])[0]
        return value[:100].partition(";")[0].strip().lower()

    @property
    def filename(self) -> str:
        """The name it was sent under, without folders; "" when it has none."""
        name = headers.parameter(self.message, "filename", "content-disposition")
        name = name or headers.parameter(self.message, "name")
        return name.replace("\\", "/").rpartition("/")[2]


class Tree:
    """Reads the MIME tree of some bytes; `defects` tells what was wrong and which limits were met."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.defects: list[str] = []
        self._parts = 0
        self._hits = 0

    def read(self) -> Part:
        """Give the top part; never raises."""
        start = 3 if self.raw.startswith(b"\xef\xbb\xbf") else 0
        blank_lines = re.compile(rb"[\r\n]*").match(self.raw, start)
        return self._part(blank_lines.end() if blank_lines else start, len(self.raw), 0, TOP_HEADER_LIMIT)

    def _part(self, start: int, end: int, depth: int, header_limit: int) -> Part:
        self._parts += 1
        block = headers.read_block(self.raw, start, end, header_limit)
        if block.body_start - start >= header_limit:
            self.defects.append(f"header longer than {header_limit} bytes")
        kind = headers.content_type(block.message)
        children: tuple[Part, ...] = ()
        if kind.startswith("multipart/") or kind == "message/rfc822":
            if depth >= DEPTH_LIMIT:
                self.defects.append(f"parts nested deeper than {DEPTH_LIMIT}: the rest is not read")
                kind = "application/octet-stream"
            elif kind == "message/rfc822":
                children = (self._part(block.body_start, end, depth + 1, PART_HEADER_LIMIT),)
            else:
                children = self._children(block, end, depth)
                kind = kind if children else "text/plain"
        return Part(block.message, kind, block.body_start, end, children)

    def _children(self, block: headers.Block, end: int, depth: int) -> tuple[Part, ...]:
        boundary = headers.boundary(block.message)
        spans = list(self._spans(block.body_start, end, boundary)) if boundary else []
        if not spans:
            self.defects.append("multipart without its boundary: read as text")
        children = []
        for start, stop in spans:
            if self._parts >= PARTS_LIMIT:
                self.defects.append(f"more than {PARTS_LIMIT} parts: the rest is not read")
                break
            children.append(self._part(start, stop, depth + 1, PART_HEADER_LIMIT))
        return tuple(children)

    def _spans(self, start: int, end: int, boundary: bytes) -> Iterator[tuple[int, int]]:
        """Offsets of what lies between the delimiter lines of a multipart."""
        mark = b"--" + boundary
        opened = -1
        position = start
        while (hit := self.raw.find(mark, position, end)) >= 0:
            position = hit + len(mark)
            self._hits += 1
            if self._hits > BOUNDARY_HITS_LIMIT:
                self.defects.append("too many boundaries: the rest is not read")
                break
            tail = self.raw[position : position + 2]
            on_own_line = hit == start or self.raw[hit - 1 : hit] in (b"\n", b"\r")
            if not on_own_line or (tail != b"--" and tail[:1] not in (b"", b"\r", b"\n", b" ", b"\t")):
                continue
            if opened >= 0:
                yield opened, self._before_line_end(hit, opened)
            if tail == b"--":
                return
            opened = self._after_line(position, end)
        if opened >= 0:
            self.defects.append("multipart not closed")
            yield opened, end

    def _before_line_end(self, hit: int, floor: int) -> int:
        for line_end in (b"\r\n", b"\n", b"\r"):
            if self.raw.endswith(line_end, floor, hit):
                return hit - len(line_end)
        return max(hit, floor)

    def _after_line(self, position: int, end: int) -> int:
        newline = self.raw.find(b"\n", position, min(end, position + 1_000))
        return min(newline + 1 if newline >= 0 else position, end)


def body(raw: bytes, part: Part, limit: int) -> bytes:
    """Give the body of a part with its transfer encoding undone, from at most `limit` of its bytes; never raises."""
    encoded = raw[part.start : min(part.end, part.start + limit)]
    leaf = Message()
    encoding = headers.fields(part.message).get("content-transfer-encoding", [""])[0]
    leaf["Content-Transfer-Encoding"] = headers.decoded(encoding, 40).strip()
    leaf.set_payload(encoded.decode("ascii", "surrogateescape"))
    try:
        payload = leaf.get_payload(decode=True)
    except headers.MALFORMED:
        return encoded
    return payload if isinstance(payload, bytes) else encoded


def decoded_size(raw: bytes, part: Part) -> int:
    """Give the size in bytes of a part once decoded; base64 is counted, not decoded."""
    encoding = headers.fields(part.message).get("content-transfer-encoding", [""])[0].strip().lower()
    if encoding == "base64":
        blanks = sum(raw.count(blank, part.start, part.end) for blank in (b"\n", b"\r", b" "))
        padding = raw.count(b"=", max(part.start, part.end - 8), part.end)
        return max((part.end - part.start - blanks) * 3 // 4 - padding, 0)
    if encoding == "quoted-printable":
        return len(binascii.a2b_qp(raw[part.start : part.end]))
    return part.end - part.start
