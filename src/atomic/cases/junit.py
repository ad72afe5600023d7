"""Results as JUnit's XML, which build servers read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from atomic.cases.played import Played
from atomic.records.money import dollars

# XML 1.0 has no way to write these at all.
_UNWRITABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(played: Sequence[Played]) -> bytes:
    """One suite per file, in the order of the cases."""
    root = Element("testsuites")
    files: dict[str, list[Played]] = {}
    for one in played:
        files.setdefault(one.id.partition("::")[0], []).append(one)
    for file, cases in files.items():
        suite = SubElement(root, "testsuite", name=_plain(file), tests=str(len(cases)))
        suite.set("failures", str(sum(one.status == "failed" for one in cases)))
        suite.set("skipped", str(sum(one.status == "skipped" for one in cases)))
        suite.set("errors", "0")
        suite.set("time", f"{sum(one.seconds for one in cases):.3f}")
        for one in cases:
            _case(suite, file, one)
    indent(root)
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + tostring(root) + b"\n"


def _case(suite: Element, file: str, one: Played) -> None:
    name = one.id.partition("::")[2]
    case = SubElement(suite, "testcase", classname=_plain(file), name=_plain(name), time=f"{one.seconds:.3f}")
    properties = SubElement(case, "properties")
    for key, value in (("task", one.task), ("winner", one.winner), ("cost", dollars(one.cost))):
        SubElement(properties, "property", name=key, value=_plain(value))
    if one.status != "passed":
        said = "\n".join(one.said)
        kind = "failure" if one.status == "failed" else "skipped"
        SubElement(case, kind, message=_plain(said.partition("\n")[0])).text = _plain(said)
    if one.noted:
        SubElement(case, "system-out").text = _plain("\n".join(f"does not hold: {title}" for title, _ in one.noted))


def _plain(text: str) -> str:
    return _UNWRITABLE.sub("�", text)
