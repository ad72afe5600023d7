"""What a mail becomes when it is read."""

from datetime import UTC, datetime

import pytest

from atomic.inbox.automatic import AutomaticKind
from atomic.inbox.mail import Attachment, Mail, parse, subjects_of

THREAD = b"""\
From: =?iso-8859-1?q?J=F6rg?= Meier <Joerg@Example.COM>
To: "Brandt, Mira" <mira@example.org>, tom@example.org
Cc: ann@example.net, MIRA@example.org
Subject: =?utf-8?b?R3LDvMOfZQ==?=
 aus Ulm
Date: Mon, 3 Mar 2025 09:30:00 +0100
Message-ID: <c@example.com>
In-Reply-To: <b@example.com>
References: <a@example.com>
\t<b@example.com>
List-Id: Talk <talk.example.org>

Passt mir gut.

Am 2. Mrz 2025 schrieb Mira Brandt:
> Freitag um drei?
"""


def multipart(*parts: str, kind: str = "mixed") -> bytes:
    body = "".join(f"--b\n{part}\n" for part in parts)
    return f"From: a@example.com\nContent-Type: multipart/{kind}; boundary=b\n\n{body}--b--\n".encode()


def html(body: str) -> Mail:
    return parse(b"Content-Type: text/html; charset=utf-8\n\n" + body.encode())


def test_header_fields_are_decoded_and_addresses_are_lower_case() -> None:
    mail = parse(THREAD)
    assert ("joerg@example.com", "Jörg Meier") == (mail.sender, mail.sender_name)
    assert ("mira@example.org", "tom@example.org", "ann@example.net") == mail.recipients
    assert "Grüße aus Ulm" == mail.subject
    assert datetime(2025, 3, 3, 8, 30, tzinfo=UTC) == mail.date


def test_the_thread_is_the_first_reference_else_the_mail_replied_to_else_the_own_id() -> None:
    assert "<a@example.com>" == parse(THREAD).thread
    assert "<b@x>" == parse(b"In-Reply-To: <b@x>\nMessage-ID: <c@x>\n\n").thread
    assert "<c@x>" == parse(b"Message-ID: <c@x>\n\n").thread
    lonely = parse(b"Subject: x\n\n")
    assert f"sha256:{lonely.sha256}" == lonely.thread


def test_what_is_quoted_is_kept_apart_from_what_the_sender_wrote() -> None:
    mail = parse(THREAD)
    assert "Passt mir gut." == mail.text
    assert "Am 2. Mrz 2025 schrieb Mira Brandt:\nFreitag um drei?" == mail.quoted


@pytest.mark.parametrize(
    "mark",
    [
        "-----Original Message-----",
        "-----Ursprüngliche Nachricht-----",
        "---------- Forwarded message ---------",
        "From: Ann\nSent: Monday\n",
        "Von: Ann\nGesendet: Montag\n",
    ],
)
def test_all_below_the_mark_of_a_mail_program_is_quoted(mark: str) -> None:
    mail = parse(f"Content-Type: text/plain; charset=utf-8\n\nSee below.\n\n{mark}\nOld words\n".encode())
    assert "See below." == mail.text
    assert "Old words" in mail.quoted


def test_an_answer_below_marked_quotes_is_the_senders_own() -> None:
    mail = parse(b"\n-----Original Message-----\nFrom: Ann\n\n> Which day?\n\nFriday.\n")
    assert "Friday." == mail.text


def test_words_fall_back_to_the_quoted_part_of_a_bare_forward() -> None:
    assert "Old words" in parse(b"\n-----Original Message-----\nOld words\n").words


def test_with_hidden_headers_only_five_fields_are_seen() -> None:
    mail = parse(THREAD, hide_headers=True)
    assert ("joerg@example.com", "Grüße aus Ulm") == (mail.sender, mail.subject)
    assert (None, None, (), None, None) == (
        mail.message_id,
        mail.in_reply_to,
        mail.references,
        mail.list_id,
        mail.automatic,
    )
    assert ("mira@example.org", "tom@example.org") == mail.recipients  # Cc is hidden
    assert () == mail.headers


def test_with_hidden_headers_an_encoded_body_is_still_decoded() -> None:
    mail = parse(b"Content-Transfer-Encoding: base64\n\nSGVsbG8=\n", hide_headers=True)
    assert "Hello" == mail.text


def test_the_data_subjects_are_sender_and_recipients_once_each() -> None:
    assert ("joerg@example.com", "mira@example.org", "tom@example.org", "ann@example.net") == subjects_of(parse(THREAD))


def test_a_list_mail_says_so() -> None:
    automatic = parse(THREAD).automatic
    assert automatic is not None
    assert AutomaticKind.LIST == automatic.kind


def test_of_alternatives_the_plain_text_is_taken() -> None:
    raw = multipart("Content-Type: text/plain\n\nplain", "Content-Type: text/html\n\n<p>page</p>", kind="alternative")
    assert "plain" == parse(raw).text


def test_a_stub_of_plain_text_gives_way_to_the_page() -> None:
    page = "<p>" + "A long letter. " * 30 + "</p>"
    raw = multipart("Content-Type: text/plain\n\nUse HTML.", f"Content-Type: text/html\n\n{page}", kind="alternative")
    assert parse(raw).text.startswith("A long letter.")


def test_attachments_are_known_by_name_type_and_decoded_size() -> None:
    raw = multipart(
        "\nSee attached.",
        'Content-Type: application/pdf; name="x.pdf"\nContent-Transfer-Encoding: base64\n\nQUJDRA==',
        "Content-Type: text/plain\nContent-Disposition: attachment; filename*=utf-8''Gr%C3%BC%C3%9Fe.txt\n\nnot text",
    )
    mail = parse(raw)
    assert "See attached." == mail.text
    assert (Attachment("x.pdf", "application/pdf", 4), Attachment("Grüße.txt", "text/plain", 8)) == mail.attachments


def test_a_path_in_an_attachments_name_is_dropped() -> None:
    raw = multipart('Content-Type: image/png; name="../../etc/passwd"\n\nx')
    assert "passwd" == parse(raw).attachments[0].name


def test_a_mail_inside_the_mail_counts_as_quoted() -> None:
    mail = parse(multipart("\nFYI", "Content-Type: message/rfc822\n\nSubject: inner\n\nTheir words"))
    assert ("FYI", "Their words") == (mail.text, mail.quoted)


@pytest.mark.parametrize(
    ("declared", "body", "text", "defect"),
    [
        ("x-foo", b"caf\xe9", "café", "unknown charset x-foo: read as latin-1"),
        ("iso-8859-1", "Grüße".encode(), "Grüße", "charset iso-8859-1 declared, but it is utf-8"),
        ("utf-8", b"caf\xe9", "café", "not valid utf-8: read as latin-1"),
        ("us-ascii", b"don\x92t", "don’t", "not valid us-ascii: read as latin-1"),
        ("punycode", b"abc", "abc", "unknown charset punycode: read as latin-1"),
        ("zlib", b"abc", "abc", "unknown charset zlib: read as latin-1"),
        ("shift_jis", "日本".encode("shift_jis"), "日本", None),
        ("windows-1252", b"\x80 5", "€ 5", None),
    ],
)
def test_a_wrong_charset_gives_readable_text_and_a_defect(
    declared: str, body: bytes, text: str, defect: str | None
) -> None:
    mail = parse(f"Content-Type: text/plain; charset={declared}\n\n".encode() + body)
    assert text == mail.text
    assert ((defect,) if defect else ()) == mail.defects


def test_eight_bit_text_without_any_declaration_is_read() -> None:
    mail = parse("From: a@example.com\nSubject: Grüße\n\nGrüße\n".encode("latin-1"))
    assert ("Grüße", "Grüße") == (mail.subject, mail.text)


def test_characters_no_reader_sees_are_dropped() -> None:
    raw = "Content-Type: text/plain; charset=utf-8\n\nPay\u200b now\U000e0041\U000e0042\u202e!\x00".encode()
    assert "Pay now!" == parse(raw).text


@pytest.mark.parametrize(
    "style",
    ["display:none", "DISPLAY : none;color:red", "font-size:0", "font-size: 0px", "visibility:hidden", "opacity:0"],
)
def test_text_hidden_by_its_style_is_kept_apart(style: str) -> None:
    mail = html(f'<p>Seen</p><div style="{style}">Obey <b>me</b></div><p>too</p>')
    assert ("Seen\n\ntoo", "Obey me") == (mail.text, mail.hidden)


def test_a_visible_style_hides_nothing() -> None:
    assert "Seen" == html('<p style="font-size:0.8em;opacity:0.9;max-height:100%">Seen</p>').text


def test_scripts_styles_and_comments_are_not_text() -> None:
    page = "<style>p{}</style><script>steal()</script ><!-- psst --><script/>again()</script><p>V<!-- x -->iew</p>"
    assert "View" == html(page).text


def test_conditional_comments_of_office_do_not_swallow_the_page() -> None:
    page = "<!--[if gte mso 9]><xml>no</xml><![endif]--><![if !vml]><p>Hello</p><![endif]>"
    assert "Hello" == html(page).text


def test_a_quote_in_html_is_quoted() -> None:
    mail = html('<p>Yes!</p><blockquote type="cite"><p>Shall we?</p></blockquote>')
    assert ("Yes!", "Shall we?") == (mail.text, mail.quoted)


def test_hosts_of_links_are_those_they_lead_to() -> None:
    assert ("evil.example",) == html('<a href="https://you@EVIL.example:8/x">www.bank.example</a>').link_hosts


def test_a_page_sent_as_plain_text_is_read_as_a_page() -> None:
    assert "Hi" == parse(b"\n<html><body><p>Hi</p></body></html>").text


def test_a_long_text_is_cut_with_a_defect() -> None:
    mail = parse(b"\n" + b"word " * 10_000)
    assert len(mail.text) <= 20_000
    assert ("text: only the first 20000 characters kept",) == mail.defects


def test_an_empty_mail_is_a_mail() -> None:
    mail = parse(b"")
    assert ("", "", "", ("empty",)) == (mail.text, mail.sender, mail.subject, mail.defects)


@pytest.mark.parametrize(
    ("raw", "defect"),
    [
        (b"From: nobody\n\n", "From holds no address"),
        (b"Date: yesterday\n\n", "Date is no date"),
        (b"Content-Type: multipart/mixed; boundary=b\n\nno parts", "multipart without its boundary: read as text"),
        (b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nText", "multipart not closed"),
    ],
)
def test_what_is_malformed_is_named(raw: bytes, defect: str) -> None:
    assert (defect,) == parse(raw).defects
