"""The mails written for the demo are what their README says."""

import json
import re
from collections import Counter
from itertools import pairwise

import pytest

from atomic.inbox.automatic import may_answer
from atomic.inbox.mail import Mail, parse
from atomic.inbox.source import Skipped, SourceMail, demo_folder, read_mailbox

ITEMS = [item for item in read_mailbox(demo_folder()) if isinstance(item, SourceMail)]
MAILS: dict[str, Mail] = {item.path.name: parse(item.raw) for item in ITEMS}
LABELS = [json.loads(line) for line in (demo_folder() / "labels.jsonl").read_text(encoding="utf-8").splitlines()]
ALLOWED: dict[str, set[str | bool]] = {
    "spam": {"spam", "ham"},
    "category": {"support", "sales", "billing", "personal", "newsletter", "notification", "meeting", "other"},
    "sentiment": {"negative", "neutral", "positive"},
    "priority": {"low", "normal", "high"},
    "needs_reply": {True, False},
}


def test_there_is_one_label_for_each_mail_in_order_of_arrival() -> None:
    assert [f"{number:03d}.eml" for number in range(1, 63)] == list(MAILS) == [row["file"] for row in LABELS]
    dates = [mail.date for mail in MAILS.values()]
    assert all(earlier and later and earlier < later for earlier, later in pairwise(dates))


def test_every_label_is_one_of_the_stated_ones() -> None:
    for row in LABELS:
        assert {"file", *ALLOWED, "folder", "note"} == set(row)
        assert all(row[field] in allowed for field, allowed in ALLOWED.items())
        assert (row["folder"] == "Spam") == (row["spam"] == "spam")
        assert row["note"]


def test_a_third_is_spam_and_the_first_twenty_are_varied() -> None:
    assert Counter(spam=20, ham=42) == Counter(row["spam"] for row in LABELS)
    first = LABELS[:20]
    assert 6 <= sum(row["spam"] == "spam" for row in first) <= 7
    assert ALLOWED["category"] == {row["category"] for row in first if row["spam"] == "ham"}


def test_every_domain_and_telephone_number_is_a_reserved_one() -> None:
    reserved = re.compile(r"(?:.*\.)?example(?:\.com|\.org|\.net)?")
    for item in ITEMS:
        mail = MAILS[item.path.name]
        everything = item.raw.decode("latin-1").replace("=\n", "") + mail.text + mail.quoted
        hosts = re.findall(r"(?:@|https?://|src=//)([A-Za-z0-9.-]*[A-Za-z0-9])", everything)
        # `@media` of a style sheet is no address
        assert [] == [host for host in hosts if not reserved.fullmatch(host.lower()) and host != "media"]
        assert set(re.findall(r"\b555[ -](\d{2})\d\d\b", everything)) <= {"01"}
        assert all(found.startswith("192.0.2.") for found in re.findall(r"\[(\d+\.\d+\.\d+\.\d+)\]", everything))


@pytest.mark.parametrize(
    ("name", "where"),
    [("030", "text"), ("039", "hidden"), ("043", "text"), ("049", "quoted"), ("055", "text"), ("062", "hidden")],
)
def test_injected_instructions_lie_where_the_note_says(name: str, where: str) -> None:
    mail = MAILS[f"{name}.eml"]
    found = {
        field
        for field in ("text", "quoted", "hidden")
        if re.search(
            r"ignore your|ignore all|ignoriere alle|disregard your|language model|\"spam\": \"ham\"",
            getattr(mail, field),
            re.IGNORECASE,
        )
    }
    assert {where} == found


def test_no_mail_of_a_machine_is_labelled_as_needing_a_reply() -> None:
    for row in LABELS:
        if row["needs_reply"]:
            assert (True, "") == may_answer(MAILS[row["file"]])


def test_the_ugly_cases_are_there() -> None:
    assert MAILS["022.eml"].text == MAILS["044.eml"].text
    assert ("", "") == (MAILS["038.eml"].text, MAILS["038.eml"].quoted)
    assert "text: only the first 20000 characters kept" in MAILS["048.eml"].defects
    assert MAILS["005.eml"].thread == MAILS["023.eml"].thread
    assert MAILS["015.eml"].thread == MAILS["042.eml"].thread
    defects = {defect for mail in MAILS.values() for defect in mail.defects}
    assert {
        "charset iso-8859-1 declared, but it is utf-8",
        "unknown charset x-user-defined: read as latin-1",
        "8-bit text without charset: read as latin-1",
        "not valid us-ascii: read as latin-1",
        "multipart not closed",
        "text: only the first 20000 characters kept",
    } == defects
    kinds = Counter(mail.automatic.kind.value for mail in MAILS.values() if mail.automatic)
    assert {"bounce", "auto_reply", "list", "generated"} <= set(kinds)


def test_only_the_files_about_the_mails_are_skipped() -> None:
    skipped = {item.path.name for item in read_mailbox(demo_folder()) if isinstance(item, Skipped)}
    assert {"README.md", "labels.jsonl"} == skipped - {".gitattributes"}
