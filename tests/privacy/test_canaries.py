"""Nothing of a mail, a prompt, an answer or a key is found in what the program prints, logs or writes in plain."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

pytest.importorskip("dbos", reason="the extra `flows` is not installed")
pytest.importorskip("httpx", reason="the extra `http` is not installed")
pytest.importorskip("aiosmtpd", reason="the extra `sink` is not installed")

from tests.inbox.markets import maildir_of, raw

from atomic.testing.model_server import ModelServer, model_server
from atomic.testing.smtp_sink import CUT, SmtpSink, smtp_sink
from atomic.testing.webhook_sink import WebhookSink, webhook_sink

KEY = "canary-key-5f2c"
PASSWORD = "canary-password-81d0"
TOKEN = "canary-token-77ab"
CANARY = "canary"
PATIENCE_S = 60.0
QUICK = ("whole", "length", "refusal", "cut", "error-event", "malformed", "page", "server-error", "bad-request")
ENDLESS = ("stalled", "endless")


@dataclass(frozen=True)
class Outside:
    """Whom the program speaks to: a model server whose answers are canaries, a mail server, a webhook's receiver."""

    models: ModelServer
    smtp: SmtpSink
    hook: WebhookSink


@pytest.fixture
def outside() -> Iterator[Outside]:
    """All of them, in a thread."""
    ready, running, loop = threading.Event(), [], asyncio.new_event_loop()
    stop = asyncio.Event()

    async def serve() -> None:
        async with (
            model_server(answer="canary-answer: ham", key=KEY) as models,
            smtp_sink(login=("canary-user", PASSWORD)) as smtp,
            webhook_sink() as hook,
        ):
            running.append(Outside(models, smtp, hook))
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    ready.wait()
    yield running[0]
    loop.call_soon_threadsafe(stop.set)
    thread.join()
    loop.close()


@pytest.fixture
def server(outside: Outside) -> ModelServer:
    return outside.models


def config(url: str, plays: Sequence[str]) -> str:
    bidders = "".join(
        f'[bidders.{name}]\nkind = "{kind}"\nurl = "{url}"\nmodel = "{name}"\nkey_env = "CANARY_KEY"\nstall = 0.5\n'
        f'price = {{ input = "$0.01", output = "$0.01", as_of = 2026-11-01 }}\nright = 0.9\n\n'
        for name, kind in zip(plays, ("http", "anthropic") * len(plays), strict=False)
    )
    return f"""
[market]
ledger = "atomic.db"
per_day = "$1000"

{bidders}
[bidders.words]
kind = "specialist"

[bidders.seen]
kind = "cache"

[bidders.sure]
kind = "rules"
rules = [{{ task = "category", when = {{ text = "" }}, answer = "billing" }}]

[inbox]
folder = "out"
own_addresses = ["me@example.com"]
ask = ["spam", "category", "needs_reply"]
autonomy = {{ tag = 0.1, move = 0.1, forward = 0.1, reply = 0.1 }}
rules = [
    {{ when = {{ spam = "ham" }}, do = {{ move = "Inquiries", tag = "inquiry", forward = "accounts@example.com" }} }},
    {{ when = {{ needs_reply = true }}, do = {{ reply = "draft" }} }},
]
"""


@pytest.fixture
def home(tmp_path: Path, server: ModelServer) -> Path:
    """A mailbox full of canaries, with hosted models that fail in every way, and one mail that cannot be filed."""
    mails = {
        f"{number}": raw(
            f"canary-body {number}: where is my invoice?\n",
            sender=f"canary-name <canary-address-{number}@canary.example>",
            subject=f"canary-subject {number}",
            headers=[f"Cc: canary-copy-{number}@canary.example"],
        )
        for number in range(3)
    }
    mail = maildir_of(tmp_path / "mail", mails)
    (mail / ".Inquiries").write_text("a file where the folder should be")
    (tmp_path / "atomic.toml").write_text(config(server.url, QUICK))
    return tmp_path


def environment(home: Path) -> dict[str, str]:
    secrets = {"CANARY_KEY": KEY, "CANARY_PASSWORD": PASSWORD}
    return {**os.environ, **secrets, "COLUMNS": "150", "PYTHONDONTWRITEBYTECODE": "1", "HOME": str(home)}


def atomic(home: Path, *arguments: str) -> str:
    """What the program says, to both streams."""
    done = subprocess.run(
        [sys.executable, "-m", "atomic", *arguments],
        cwd=home,
        env=environment(home),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE_S,
    )
    return done.stdout


def serve(home: Path, end: signal.Signals, until: str) -> str:
    """What `atomic inbox serve` says until it has said something and is told to end."""
    log = home / "serve.log"
    with log.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "atomic", "--verbose", "inbox", "serve", "mail", "--interval", "0.1"],
            cwd=home,
            env=environment(home),
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    deadline = time.monotonic() + PATIENCE_S
    while until not in log.read_text():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)
    process.send_signal(end)
    process.wait(30)
    return log.read_text()


def with_canaries(home: Path) -> list[str]:
    """Files that hold one, but for the mail itself, what was made of it, and the configuration."""
    return [
        str(path.relative_to(home))
        for path in home.rglob("*")
        if path.is_file()
        and path.relative_to(home).parts[0] not in {"mail", "out", "atomic.toml"}
        and CANARY in path.read_bytes().decode("latin-1").lower()
    ]


def test_no_output_and_no_file_but_the_mail_holds_a_canary(home: Path, server: ModelServer) -> None:
    said = [atomic(home, "--verbose", "inbox", "run", "mail")]
    assert server.asked  # the models were asked, and failed in their ways
    said += [serve(home, signal.SIGKILL, "not handled yet"), serve(home, signal.SIGTERM, "parked")]
    server.key = "another"
    commands = ("flow list", "ledger verify", "ledger tail", "bidders", "inbox run mail")
    said += [atomic(home, "--verbose", *command.split()) for command in commands]

    assert [] == [one for one in said if CANARY in one.lower()]
    assert [] == with_canaries(home)
    assert "NotHandled" in said[3]
    assert "verified" in said[4]


FAILING = """
import asyncio, logging, sys, threading, warnings
from pydantic import BaseModel
from atomic import cli
from atomic.errors import CallerError

class Letter(BaseModel):
    number: int

async def forgotten():
    async def fails():
        raise ValueError("canary of a task")
    task = asyncio.ensure_future(fails())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    del task

@cli.app.command("boom")
def boom(how: str):
    if how == "validation":
        Letter.model_validate({"number": "canary in pydantic"})
    if how == "group":
        raise ExceptionGroup("canary group", [ValueError("canary one"), KeyError("canary two")])
    if how == "ours":
        try:
            raise ValueError("canary cause")
        except ValueError as error:
            raise CallerError("the words of ours") from error
    if how == "thread":
        thread = threading.Thread(target=lambda: int("canary thread"))
        thread.start()
        thread.join()
    if how == "log":
        logging.getLogger("httpx").warning("canary %s", "https://canary.example/?key=canary")
        logging.getLogger("other").error("canary", exc_info=ValueError("canary"))
    if how == "warning":
        warnings.warn("canary warning", RuntimeWarning)
    if how == "task":
        asyncio.run(forgotten())
    if how == "unraisable":
        class Falls:
            def __del__(self):
                raise ValueError("canary in a finalizer")
        Falls()

cli.main()
"""


@pytest.mark.parametrize(
    ("how", "code", "words"),
    [
        ("validation", 70, "ValidationError"),
        ("group", 70, "KeyError"),
        ("ours", 1, "the words of ours"),
        ("thread", 0, "ValueError"),
        ("log", 0, "other error at <string>"),
        ("warning", 0, "RuntimeWarning at <string>"),
        ("task", 0, "asyncio error at base_events.py"),
        ("unraisable", 0, "not raised: ValueError"),
    ],
)
@pytest.mark.parametrize("verbose", [[], ["--verbose"]])
def test_errors_are_told_by_type_and_place_without_what_they_quote(
    how: str, code: int, words: str, verbose: list[str]
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FAILING, *verbose, "boom", how], capture_output=True, text=True, timeout=PATIENCE_S
    )

    assert code == done.returncode, done.stderr
    assert words in done.stderr
    assert CANARY not in (done.stdout + done.stderr).lower()


def leaving(outside: Outside) -> str:
    """The configuration of what leaves the house, with secrets from the environment and a file."""
    return f"""
[inbox.smtp]
host = "localhost"
port = {outside.smtp.port}
security = "none"
timeout = 2
user = "canary-user"
password = {{ env = "CANARY_PASSWORD" }}

[inbox.webhooks.crm]
url = "{outside.hook.url}"
ask = "{outside.hook.ask}"
token = {{ file = "token" }}
timeout = 2

[[inbox.rules]]
when = {{ automatic = false }}
do = {{ send = "accounts@example.com", webhook = "crm" }}
"""


def test_no_secret_of_a_mail_server_or_a_webhook_is_told_or_kept(home: Path, outside: Outside) -> None:
    written = config(outside.models.url, ENDLESS).replace("reply = 0.1 }", "reply = 0.1, send = 0.1, webhook = 0.1 }")
    head, _, _ = written.partition("rules = [\n    {")
    (home / "atomic.toml").write_text(head + leaving(outside))
    (home / "token").write_text(TOKEN)
    (home / "token").chmod(0o600)

    outside.smtp.plays, outside.hook.play = {"data": CUT}, 500
    said = [atomic(home, "--verbose", "inbox", "run", "mail")]  # the mail is uncertain, so is the webhook
    outside.smtp.plays, outside.smtp.login, outside.hook.play = {}, ("canary-user", "another"), 401
    said += [atomic(home, "--verbose", "inbox", "run", "mail"), atomic(home, "inbox", "undo", "--last", "1h")]
    (home / "token").chmod(0o644)
    said += [atomic(home, "--verbose", *command.split()) for command in ("inbox run mail", "answer", "ledger tail")]
    (home / "token").unlink()
    said += [atomic(home, "--verbose", "inbox", "run", "mail")]

    assert outside.smtp.received  # they were spoken to
    assert outside.hook.requests
    assert {"stalled", "endless"} <= {str(one.body["model"]) for one in outside.models.asked}
    assert [] == [one for one in said if PASSWORD in one or TOKEN in one or KEY in one]
    told = "\n".join(
        one for index, one in enumerate(said) if index not in {2, 4}
    )  # to its owner: what left, what is asked
    assert [] == [line for line in told.splitlines() if CANARY in line.lower()]
    assert "chmod 600" in said[3]
    assert [] == with_canaries(home)
