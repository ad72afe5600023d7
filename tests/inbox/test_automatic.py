"""Whom a machine must not answer (RFC 3834)."""

import pytest

from atomic.inbox.automatic import AutomaticKind, may_answer, recognise
from atomic.inbox.mail import parse


def kind_of(raw: str) -> AutomaticKind | None:
    automatic = parse(raw.encode()).automatic
    return automatic.kind if automatic else None


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        ("Content-Type: multipart/report; boundary=b\n\n--b\n\nx\n--b--", AutomaticKind.BOUNCE),
        ("Return-Path: <>\nFrom: x@example.com\n\n", AutomaticKind.BOUNCE),
        ("From: MAILER-DAEMON@example.com\n\n", AutomaticKind.BOUNCE),
        ("From: x@example.com\nX-Failed-Recipients: y@example.com\n\n", AutomaticKind.BOUNCE),
        ("Return-Path: <>\nAuto-Submitted: auto-replied\n\n", AutomaticKind.AUTO_REPLY),
        ("Return-Path: <>\nSubject: Out of office: holidays\n\n", AutomaticKind.AUTO_REPLY),
        ("Auto-Submitted: Auto-Replied; owner-email=x@example.com\n\n", AutomaticKind.AUTO_REPLY),
        ("X-Autoreply: yes\n\n", AutomaticKind.AUTO_REPLY),
        ("Precedence: auto_reply\n\n", AutomaticKind.AUTO_REPLY),
        ("List-Id: <l.example.org>\n\n", AutomaticKind.LIST),
        ("List-Unsubscribe: <https://example.org/u>\n\n", AutomaticKind.LIST),
        ("Precedence: bulk\n\n", AutomaticKind.LIST),
        ("Precedence: bulk\nAuto-Submitted: auto-generated\n\n", AutomaticKind.GENERATED),
        ("Auto-Submitted: auto-generated\n\n", AutomaticKind.GENERATED),
        ("From: no-reply@example.com\n\n", AutomaticKind.NO_REPLY),
        ("From: shop.noreply+7@example.com\n\n", AutomaticKind.NO_REPLY),
        ("From: do_not_reply@example.com\n\n", AutomaticKind.NO_REPLY),
    ],
)
def test_mail_of_machines_is_recognised_and_never_answered(raw: str, kind: AutomaticKind) -> None:
    assert kind == kind_of(raw)
    allowed, reason = may_answer(parse(raw.encode()))
    assert not allowed
    assert reason.startswith(kind.value)


@pytest.mark.parametrize(
    "subject",
    [
        "Automatic reply: Offer",
        "Auto-Reply: x",
        "Out of the office until Monday",
        "Abwesenheitsnotiz: Angebot",
        "AW: Automatische Antwort: Angebot",
        "Réponse automatique : devis",
        "Respuesta automática: oferta",
        "Risposta automatica: offerta",
    ],
)
def test_a_subject_is_weaker_evidence_but_enough_not_to_answer(subject: str) -> None:
    automatic = recognise({}, subject=subject)
    assert automatic is not None
    assert (AutomaticKind.AUTO_REPLY, False) == (automatic.kind, automatic.certain)


@pytest.mark.parametrize(
    "raw",
    [
        "From: ann@example.com\nSubject: Your office\nAuto-Submitted: no\n\nHello",
        "From: noreen.plyer@example.com\n\nHello",
        "From: replyto@example.com\nReturn-Path: <ann@example.com>\n\nHello",
        "From: ann@example.com\nSubject: Abwesende Freunde\n\nHallo",
        "From: ann@example.com\nPrecedence: first-class\n\nHello",
        "From: ann@example.com\n\nAuto-Submitted: auto-replied",
    ],
)
def test_mail_of_a_person_may_be_answered(raw: str) -> None:
    assert kind_of(raw) is None
    assert (True, "") == may_answer(parse(raw.encode()))


def test_mail_without_a_sender_is_not_answered() -> None:
    assert (False, "no sender's address") == may_answer(parse(b"Subject: x\n\nHello"))


def test_our_own_mail_is_not_answered() -> None:
    mail = parse(b"From: Me@example.com\n\nHello")
    assert (False, "sent by ourselves (me@example.com)") == may_answer(mail, own_addresses={"me@example.com"})


def test_the_evidence_names_header_and_value() -> None:
    automatic = recognise({"list-id": "<l.example.org>", "precedence": "list"})
    assert automatic is not None
    assert ("List-Id: <l.example.org>", "Precedence: list") == automatic.evidence
