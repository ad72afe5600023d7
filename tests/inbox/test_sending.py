"""Submission to a real mail server, well and with every failure: what came of it is never claimed nor guessed."""

from __future__ import annotations

import asyncio
import datetime
import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("aiosmtpd", reason="the extra `sink` is not installed")

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from atomic.inbox.outside_settings import SmtpSettings
from atomic.inbox.sending import Ended, as_sent, submit
from atomic.testing.smtp_sink import CUT, STALL, SmtpSink, Stage, smtp_sink

MAIL = b"Subject: Hi\nMessage-ID: <1@example.com>\n\nOne\n.\n.two\n"


def settings(sink: SmtpSink, **more: Any) -> SmtpSettings:
    return SmtpSettings.model_validate(
        {"host": "localhost", "port": sink.port, "security": "none", "timeout": 5.0, **more}
    )


async def hand_over(
    chosen: SmtpSettings, *, password: str = "", content: bytes = MAIL, to: str = "ann@example.org"
) -> Ended:
    return await asyncio.to_thread(submit, chosen, password, sender="me@example.com", to=to, content=content)


def certificate(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's context for localhost, and the file that a client trusts it by."""
    key, name = (
        ec.generate_private_key(ec.SECP256R1()),
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")]),
    )
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    trusted, private = folder / "trusted.pem", folder / "private.pem"
    trusted.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(trusted, private)
    return context, trusted


async def test_a_mail_arrives_once_and_whole() -> None:
    async with smtp_sink() as sink:
        ended = await hand_over(settings(sink))
    assert Ended("done", "250 2.0.0") == ended
    (got,) = sink.received
    assert ("me@example.com", ("ann@example.org",)) == (got.sender, got.to)
    assert MAIL.replace(b"\n", b"\r\n") == got.content


@pytest.mark.parametrize("implicit", [False, True], ids=["starttls", "implicit"])
async def test_over_tls_with_user_and_password(tmp_path: Path, implicit: bool) -> None:
    tls, trusted = certificate(tmp_path)
    user = {"user": "me", "password": {"env": "UNUSED"}, "security": "implicit" if implicit else "starttls"}
    async with smtp_sink(tls=tls, implicit=implicit, login=("me", "hidden")) as sink:
        wrong = await hand_over(settings(sink, ca=str(trusted), **user), password="guessed")
        untrusted = await hand_over(settings(sink, **user), password="hidden")
        right = await hand_over(settings(sink, ca=str(trusted), **user), password="hidden")
    assert Ended("failed", "SMTPAuthenticationError 535") == wrong
    assert "failed" == untrusted.status
    assert ("done", 1) == (right.status, len(sink.received))


async def test_a_password_never_goes_where_tls_is_not_offered() -> None:
    async with smtp_sink() as sink:
        ended = await hand_over(
            settings(sink, security="starttls", user="me", password={"env": "UNUSED"}), password="hidden"
        )
    assert Ended("failed", "SMTPNotSupportedError") == ended


@pytest.mark.parametrize(
    ("stage", "play", "expected"),
    [
        ("connect", CUT, "failed"),
        ("connect", STALL, "failed"),
        ("mail", "451 4.3.0 not now", "failed"),
        ("mail", "550 5.1.8 not from you", "failed"),  # ours to mend: the next mail would be refused, too
        ("mail", CUT, "failed"),
        ("rcpt", "450 4.2.0 greylisted", "failed"),
        ("rcpt", "550 5.1.1 nobody of that name: ann@example.org", "given_up"),
        ("rcpt", CUT, "failed"),
        ("rcpt", STALL, "failed"),
        ("data", "451 4.3.0 disk full", "failed"),
        ("data", "554 5.7.1 looks like spam", "given_up"),
        ("data", "554 5.6.0 duplicate", "given_up"),
        ("data", CUT, "uncertain"),
        ("data", STALL, "uncertain"),
        ("quit", CUT, "done"),
        ("quit", STALL, "done"),
    ],
)
async def test_what_came_of_it_is_what_the_server_said_or_is_not_known(stage: Stage, play: str, expected: str) -> None:
    async with smtp_sink() as sink:
        sink.plays[stage] = play
        ended = await hand_over(settings(sink, timeout=0.5))
    assert expected == ended.status
    assert (1 if expected in {"done", "uncertain"} else 0) == len(sink.received)
    assert "example" not in ended.detail  # a server may quote an address: only its codes are kept


@pytest.mark.parametrize(
    ("said", "expected"), [("251 2.0.0 taken", "done"), ("354 go on", "uncertain"), ("taken, thank you", "uncertain")]
)
async def test_a_word_on_a_mail_that_is_no_refusal_never_has_it_sent_again(said: str, expected: str) -> None:
    async with smtp_sink() as sink:
        sink.plays["data"] = said
        ended = await hand_over(settings(sink))
    assert expected == ended.status


async def test_a_server_that_never_stops_talking_is_not_listened_to_for_ever() -> None:
    left = asyncio.Event()

    async def talks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(b"220 hello\r\n")
            while not (await reader.readline()).startswith(b"DATA"):
                writer.write(b"250 ok\r\n")
            writer.write(b"354 go on\r\n")
            while True:
                writer.write(b"250-wait\r\n")
                await writer.drain()
                await asyncio.sleep(0.05)
        except ConnectionError:
            writer.close()
            left.set()

    server = await asyncio.start_server(talks, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        chosen = SmtpSettings.model_validate({"host": "127.0.0.1", "port": port, "security": "none", "timeout": 0.5})
        assert "uncertain" == (await hand_over(chosen)).status
        await left.wait()


async def test_a_password_that_cannot_be_written_costs_a_try_and_no_mail(tmp_path: Path) -> None:
    tls, trusted = certificate(tmp_path)
    async with smtp_sink(tls=tls, login=("me", "hidden")) as sink:
        chosen = settings(sink, ca=str(trusted), security="starttls", user="me", password={"env": "UNUSED"})
        ended = await hand_over(chosen, password="schlüssel")
    assert (Ended("failed", "UnicodeEncodeError"), []) == (ended, sink.received)


async def test_nobody_there_is_a_failure() -> None:
    async with smtp_sink() as sink:
        chosen = settings(sink)
    assert "failed" == (await hand_over(chosen)).status


async def test_a_mail_larger_than_the_server_takes_is_given_up_before_it_is_sent() -> None:
    async with smtp_sink(largest=1_000) as sink:
        ended = await hand_over(settings(sink), content=b"Subject: Hi\n\n" + b"x" * 2_000)
    assert (Ended("given_up", "larger than the server takes"), []) == (ended, sink.received)


@pytest.mark.parametrize("to", ["ännchen@example.org", "a@example.org\r\nRCPT TO:<b@example.org>"])
async def test_no_address_says_more_than_one_recipient(to: str) -> None:
    async with smtp_sink() as sink:
        ended = await hand_over(settings(sink), to=to)
    assert (True, []) == (ended.status in {"failed", "given_up"}, sink.received)


@pytest.mark.parametrize("end", [b"\n.\n", b"\r.\r", b"\r\n.\n", b"\n.\r\n", b"\r.\r\n"])
async def test_no_mail_smuggles_in_another(end: bytes) -> None:
    smuggled = b"MAIL FROM:<eve@example.com>\r\nRCPT TO:<bob@example.com>\r\nDATA\r\nSubject: two\r\n\r\ntwo"
    async with smtp_sink() as sink:
        await hand_over(settings(sink), content=b"Subject: one\n\none" + end + smuggled)
    assert 1 == len(sink.received)


def test_lines_on_the_wire_end_one_way() -> None:
    ends: Sequence[bytes] = [b"\n", b"\r", b"\r\n"]
    assert {b"a\r\nb\r\n"} == {as_sent(b"a" + end + b"b" + end) for end in ends}
