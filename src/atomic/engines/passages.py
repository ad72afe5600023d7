"""Where in a model's text its answer stands: without thoughts, marks of the format and what is only an example."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

from atomic.engines.loose_json import Loose
from atomic.engines.tree import Pairs, Raw, Unreadable, strict

LONGEST = 200_000  # characters; nobody's answer to a microtask is longer
TAGS = 100  # more of them is noise, and a text that never closes one would be searched again for each
STARTS = 64  # brackets tried as the beginning of a value

_THOUGHTS = "think|thinking|thought|thoughts|reasoning|reflection|scratchpad|analysis|reason|cot|inner_monologue"
_THOUGHT = re.compile(rf"<({_THOUGHTS})\b[^<>]*>.*?</\1\s*>", re.DOTALL | re.IGNORECASE)
_OPENED = re.compile(rf"(?:\A|\n)[ \t]*+<({_THOUGHTS})\b[^<>]*>", re.IGNORECASE)
_CLOSED = re.compile(rf"</({_THOUGHTS})\s*>", re.IGNORECASE)
_TAG = re.compile(rf"<(?:{_THOUGHTS}|answer|final_answer|final|output|result|response|json)\b|\[THINK\]|◁think", re.I)
_THOUGHT_MARKS = re.compile(r"\[THINK\].*?\[/THINK\]|◁think▷.*?◁/think▷", re.DOTALL)
_TAGGED = re.compile(
    r"<(answer|final_answer|final|output|result|response|json)>(.*?)</\1\s*>", re.DOTALL | re.IGNORECASE
)
_CHANNEL = re.compile(r"<\|channel\|>\s*+final\b[^<]*+<\|message\|>")
_SPECIAL = re.compile(
    r"<\|[a-z_]+\|>|</s>|<s>|<(?:end_of_turn|eos|bos|pad)>|\[/?INST\]|\[TOOL_CALLS\]|\ufeff", re.IGNORECASE
)
_NEAR = r"\b[^{}\[\]]{0,60}\Z"
_EXAMPLE = re.compile(
    rf"\b(?:example|e\.g\.|for instance|template|placeholders?|hypothetical\w*){_NEAR}", re.IGNORECASE
)
_ASIDE = re.compile(
    r"\b(?:such as|format(?:ted)?|schema|like this|looks? like|input|draft|"
    rf"first (?:thought|attempt|try|guess)|initially|not|wrong|instead of|rather than|previous\w*){_NEAR}",
    re.IGNORECASE,
)
_BETTER = re.compile(
    r"\b(?:final (?:answer|version|result|output|json)|correct(?:ed|ion)|revised|updated|fixed|actual answer)\b",
    re.IGNORECASE,
)
RETRACTED = re.compile(
    r"\b(?:actually|correction|corrected|wait|scratch that|ignore (?:the|that|this)|on second thought|mistaken?|oops|"
    r"instead|should (?:\w+ )?be|i meant|not (?:sure|certain|confident)|unsure|made[- ]up|"
    r"placeholder|just an? (?:example|guess)|fictional|hypothetical|truncated|omitted|and so on|"
    r"continued?|the rest|more (?:items|entries|rows))\b",
    re.IGNORECASE,
)

_ELSE = re.compile(r"\b(?:instead|the rest|continue)\b", re.IGNORECASE)
_OFFER = re.compile(r"\b(?:let me know|feel free|would you like|happy to)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Passage:
    """A value of loose JSON that a text holds, where it stands there, and the liberties its writing takes."""

    raw: Raw
    start: int
    end: int
    repairs: tuple[str, ...]


def without_thoughts(text: str) -> tuple[str, list[str]]:
    """The text of the answer itself, and what was taken away for it. Raises Unreadable when thoughts never end.

    >>> without_thoughts("<think>Is it 3? No.</think>4")
    ('4', ['thoughts before the answer'])
    """
    if len(text) > LONGEST or len(_TAG.findall(text)) > TAGS:
        raise Unreadable("too long, or full of tags")
    finals = list(_CHANNEL.finditer(text))
    bare = text[finals[-1].end() :] if finals else text
    bare = _THOUGHT_MARKS.sub("", _outside(bare))
    if closed := list(_CLOSED.finditer(bare)):
        # Templates that open the thoughts themselves leave only their end in the text.
        if not bare[closed[-1].end() :].strip():
            raise Unreadable("thoughts without an answer")
        bare = bare[closed[-1].end() :]
    if _OPENED.search(bare):
        raise Unreadable("thoughts that do not end")
    taken = ["thoughts before the answer"] if bare != text else []
    marked = _SPECIAL.sub("", bare)
    tagged = {one.strip() for _, one in _TAGGED.findall(marked)}
    if len(tagged) == 1:
        marked = tagged.pop()
        taken.append("a tag around the answer")
    if marked.lstrip().startswith("{&quot;") or "[{&quot;" in marked:
        marked = html.unescape(marked)
        taken.append("entities for quotes")
    return marked.strip(), taken


def _outside(text: str) -> str:
    """The text without whole thoughts; those inside a line of something else, such as a text of JSON, stay."""

    def away(found: re.Match[str]) -> str:
        before = text[: found.start()].rpartition("\n")[2]
        return "" if not before.strip() or before.rstrip().endswith(">") else found.group()

    return _THOUGHT.sub(away, text)


def fenced(text: str) -> str | None:
    """What stands in the only code fence of a text that is nothing else; None when there is none.

    >>> fenced("```json\\n12\\n```")
    '12'
    """
    found = re.fullmatch(r"(`{3,}+|~{3,}+)[\w+\-]*[ \t]*\n?(.*)\1", text.strip(), re.DOTALL)
    return found[2].strip() if found and "```" not in found[2] else None


def passages(text: str, keys: frozenset[str]) -> list[Passage]:
    """Every value of JSON in a text, from left to right, none inside another.

    `keys` are those of the answer: what has one and cannot be read is an answer that is broken, and then nobody
    may take another for it. Raises Unreadable then.
    """
    found: list[Passage] = []
    position = tried = 0
    while tried < STARTS and (start := _next(text, position)) is not None:
        tried += 1
        if proper := strict(text, start):
            found.append(Passage(proper[0], start, proper[1], ()))
            position = proper[1]
            continue
        end = _fence_end(text, start)
        loose = Loose(text[:end], position=start)
        try:
            raw = loose.value()
        except Unreadable:
            if _is_attempt(text[start:end], keys):
                better = _last_better(text, start)
                if better is None:
                    raise
                position = better
                found = []
                continue
            position = start + 1
            continue
        found.append(Passage(raw, start, loose.position, tuple(loose.repairs)))
        position = loose.position
    return found


def is_example(text: str, passage: Passage, *, among: bool = False) -> bool:
    """Whether the words before a passage say that it is no answer; `among` several, fewer words are enough."""
    before = text[max(0, passage.start - 120) : passage.start].rstrip("`jsonJSON \n:>")
    return bool(_EXAMPLE.search(before) or (among and _ASIDE.search(before)))


def is_retracted(text: str) -> bool:
    """Whether a text takes back what stood before it; to offer something else takes nothing back.

    >>> is_retracted("Wait, it is 43."), is_retracted("Let me know if you want another one instead!")
    (True, False)
    """
    sentences = re.split(r"(?<=[.!?\n])", text)
    return any(RETRACTED.search(_ELSE.sub("", one) if _OFFER.search(one) else one) for one in sentences)


def is_better(text: str, before: Passage, after: Passage) -> bool:
    """Whether the words between two passages say that the later one replaces the earlier."""
    return bool(_BETTER.search(text[before.end : after.start]) or RETRACTED.search(text[before.end : after.start]))


def _next(text: str, position: int) -> int | None:
    found = re.compile(r"[{\[]").search(text, position)
    return found.start() if found else None


def _fence_end(text: str, start: int) -> int:
    """Where the fence ends that a position is in; the end of the text outside of one."""
    if text.count("```", 0, start) % 2 == 0:
        return len(text)
    end = re.compile(r"\n[ \t]*+```").search(text, start)
    return end.start() if end else len(text)


def _is_attempt(text: str, keys: frozenset[str]) -> bool:
    if keys and any(re.search(re.escape(one) + r"[\"'”’`]?\s*(?::|=)", text, re.IGNORECASE) for one in keys):
        return True
    return bool(re.match(r"[{\[]\s*[\"'“{\[\d]", text))


def _last_better(text: str, start: int) -> int | None:
    found = [one.end() for one in _BETTER.finditer(text, start)]
    return found[-1] if found else None


def nothing_follows(text: str, passage: Passage) -> bool:
    """Whether only a fence, brackets, or nothing follow a passage."""
    return not text[passage.end :].strip("`~ \n\t}])>;.")


def is_many_lines(text: str, found: list[Passage]) -> bool:
    """Whether a text is nothing but objects, one after the other: the lines of a list."""
    rest = text
    for one in reversed(found):
        rest = rest[: one.start] + rest[one.end :]
    return all(isinstance(one.raw, Pairs) for one in found) and not re.sub(r"```\w*", "", rest).strip(" \n\t,;")
