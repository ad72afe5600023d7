"""Models by name from a model hub: asked what they are, fetched once, checked, and kept with hash and licence.

The hub speaks the Hugging Face Hub's API. Nothing is fetched but by `fetch`: a market that opens asks no network.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import re
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from atomic.errors import OperatorError

HUB = "hub:"
HUB_VARIABLE, KEY_VARIABLE = "HF_ENDPOINT", "HF_TOKEN"
DEFAULT_HUB = "https://huggingface.co"
STALL_SECONDS = 60.0
_BLOCK = 1 << 20
_LARGEST_WORDS = 16 << 20  # of what a hub says of a repository
_NAME = re.compile(
    r"hub:(?P<owner>[\w.-]+)/(?P<name>[\w.-]+)/(?P<file>[\w./+-]+?\.gguf)(?:@(?P<revision>[\w./-]+))?"
    r"(?:#sha256=(?P<sha256>[0-9a-f]{64}))?$"
)

Tell = Callable[[int, int], None]  # bytes that are there, of so many


@dataclass(frozen=True, slots=True, kw_only=True)
class HubName:
    """A model's file: "hub:owner/name/file.gguf", with "@revision" and "#sha256=…" where they are pinned."""

    owner: str
    name: str
    file: str
    revision: str = "main"
    sha256: str = ""

    @classmethod
    def of(cls, text: str) -> HubName:
        """Raises OperatorError for what is no such name.

        >>> HubName.of("hub:someone/small/model-q4.gguf").file
        'model-q4.gguf'
        """
        found = _NAME.match(text)
        if found is None or ".." in text:
            raise OperatorError(
                f"{text[:100]!r} is no model of a hub", hint='"hub:owner/name/file.gguf", perhaps "@revision#sha256=…"'
            )
        return cls(**{key: one for key, one in found.groupdict().items() if one is not None})

    @property
    def repository(self) -> str:
        """Owner and name."""
        return f"{self.owner}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class HubModel:
    """What a hub says of a file: its hash and size, and the licence that its repository states ("": none)."""

    repository: str
    file: str
    revision: str
    commit: str
    sha256: str
    size: int
    licence: str

    @property
    def pinned(self) -> str:
        """The name that means this file and no other."""
        return f"{HUB}{self.repository}/{self.file}#sha256={self.sha256}"


def found_in(cache: Path, text: str) -> Path:
    """The path of a model that was fetched before. Raises OperatorError that says how to fetch it."""
    name = HubName.of(text)
    for model in known(cache):
        path = cache / f"{model.sha256}.gguf"
        asked = (name.repository, name.file, name.sha256 or model.sha256)
        pinned = bool(name.sha256) or name.revision in (model.revision, model.commit)
        if (model.repository, model.file, model.sha256) == asked and pinned and path.exists():
            return path
    raise OperatorError(f"the model {text} was not fetched yet", hint=f"atomic models pull '{text}'")


def known(cache: Path) -> Iterator[HubModel]:
    """What was fetched into a cache, in the order of the hashes."""
    for path in sorted(cache.glob("*.gguf.json")):
        try:
            yield HubModel(**json.loads(path.read_bytes()))
        except (OSError, ValueError, TypeError):
            continue  # half written, or not ours: as if it were not there


def look_up(text: str, *, hub: str = "") -> HubModel:
    """Ask a hub what a file is. Raises OperatorError: it cannot be reached, has no such file, or has another."""
    name, hub = HubName.of(text), _address(hub)
    where = f"{hub}/api/models/{name.repository}/revision/{quote(name.revision, safe='')}?blobs=true"
    with _opened(where, name.repository, hub) as reply:
        said = reply.read(_LARGEST_WORDS)
    try:
        told = json.loads(said)
        files = {one["rfilename"]: one for one in told["siblings"]}
    except (ValueError, KeyError, TypeError):
        raise OperatorError(f"{hub} says of {name.repository} what cannot be read", hint="is it a model hub?") from None
    file = files.get(name.file)
    if file is None:
        there = ", ".join(sorted(one for one in files if one.endswith(".gguf"))[:8])
        raise OperatorError(
            f"{name.repository} has no file {name.file}", hint=f"it has: {there}" if there else "it has no GGUF file"
        )
    stored = file.get("lfs") or {}
    sha256, size = str(stored.get("sha256") or ""), stored.get("size") or file.get("size") or 0
    if not re.fullmatch(r"[0-9a-f]{64}", sha256) or not isinstance(size, int):
        raise OperatorError(f"{hub} says no hash of {name.file}", hint="fetch it by hand, and name its path")
    if name.sha256 and name.sha256 != sha256:
        raise OperatorError(
            f"{name.repository} has another {name.file} than the one that is pinned",
            hint=f"it has sha256 {sha256}: look at what changed, then pin that, or a revision before it",
        )
    return HubModel(
        repository=name.repository,
        file=name.file,
        revision=name.revision,
        commit=str(told.get("sha") or name.revision),
        sha256=sha256,
        size=size,
        licence=_licence(told),
    )


def fetch(model: HubModel, cache: Path, *, hub: str = "", tell: Tell = lambda there, size: None) -> Path:
    """Fetch a file into a cache, going on where an earlier try broke off, and check it. Its path.

    Raises OperatorError; what is there already is kept for the next try, unless it is damaged.
    """
    target = cache / f"{model.sha256}.gguf"
    if not target.exists():
        part = target.with_suffix(".gguf.part")
        try:
            cache.mkdir(parents=True, exist_ok=True)
            _fetched(model, part, _address(hub), tell)
            _checked(model, part)
            part.replace(target)
        except OSError as error:
            raise OperatorError(f"the model cannot be kept at {target}: {error.strerror or error}") from error
    note = cache / f"{model.sha256}.gguf.json"
    note.write_text(json.dumps(asdict(model), indent=1))
    return target


def _fetched(model: HubModel, part: Path, hub: str, tell: Tell) -> None:
    there = part.stat().st_size if part.exists() else 0
    if there > model.size:
        part.unlink()
        there = 0
    free = shutil.disk_usage(part.parent).free
    if free < model.size - there:
        raise OperatorError(f"{part.parent} has {free:,} bytes free, and the model has {model.size:,}")
    if there == model.size:
        return
    where = f"{hub}/{model.repository}/resolve/{quote(model.commit, safe='')}/{quote(model.file)}"
    with _opened(where, model.repository, hub, since=there) as reply:
        if reply.status != 206:
            there = 0  # it does not go on where it was: from the beginning, then
        with part.open("ab" if there else "wb") as file:
            try:
                while block := reply.read(_BLOCK):
                    file.write(block)
                    there += len(block)
                    tell(there, model.size)
            except (http.client.HTTPException, TimeoutError, ConnectionError):
                pass  # how much is there says it all
    if there != model.size:
        raise OperatorError(
            f"fetching {model.file} broke off after {there:,} of {model.size:,} bytes", hint="again: it goes on there"
        )


def _checked(model: HubModel, part: Path) -> None:
    digest = hashlib.sha256()
    with part.open("rb") as file:
        beginning = file.read(4)
        digest.update(beginning)
        while block := file.read(_BLOCK):
            digest.update(block)
    if digest.hexdigest() != model.sha256 or beginning != b"GGUF":
        part.unlink()
        what = "is no GGUF file" if digest.hexdigest() == model.sha256 else "is not what its hash says"
        raise OperatorError(f"what was fetched of {model.file} {what}, and was deleted", hint="try again")


def _opened(where: str, repository: str, hub: str, *, since: int = 0) -> Any:
    request = urllib.request.Request(where, headers={"user-agent": "atomic"})
    if since:
        request.add_header("range", f"bytes={since}-")
    if key := os.environ.get(KEY_VARIABLE, "").strip():
        request.add_unredirected_header("authorization", f"Bearer {key}")  # not carried to wherever the files lie
    try:
        return urllib.request.urlopen(request, timeout=STALL_SECONDS)
    except urllib.error.HTTPError as error:
        error.close()
        hint = f"does it exist? where it wants its licence accepted, do so there, and put a key into ${KEY_VARIABLE}"
        said = "has no such repository, revision or file, or does not show it" if error.code in (401, 403, 404) else ""
        raise OperatorError(
            f"{hub} {said or f'answers {error.code}'}: {repository}", hint=hint if said else ""
        ) from None
    except (urllib.error.URLError, http.client.HTTPException, OSError):
        raise OperatorError(
            f"the model hub {hub} cannot be reached",
            hint=f"without a network: copy the file here and name its path; another hub: set ${HUB_VARIABLE}",
        ) from None


def _address(hub: str) -> str:
    address = (hub or os.environ.get(HUB_VARIABLE) or DEFAULT_HUB).rstrip("/")
    if urlsplit(address).scheme not in ("http", "https"):
        raise OperatorError(f"{address[:100]!r} is no address of a hub", hint=f"${HUB_VARIABLE} begins with https://")
    return address


def _licence(told: Mapping[str, Any]) -> str:
    card, tags = told.get("cardData"), told.get("tags")
    said = card.get("license") if isinstance(card, Mapping) else None
    tagged = next((str(one) for one in tags or () if str(one).startswith("license:")), "")
    return str(said) if isinstance(said, str) and said else tagged.removeprefix("license:")
