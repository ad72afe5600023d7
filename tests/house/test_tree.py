"""What the files of the tree may hold: short modules, no machine's paths, lock files without hosts."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]

LONGEST_MODULE = 350
# A module over the limit needs its reason here: "atomic/name.py": "why the code is clearer in one piece".
LONG_FOR_A_REASON: dict[str, str] = {"atomic/protocols.py": "all promises between the floors stand in one place"}

# Written in pieces, so that this file does not find itself.
_HOSTS = ["pypi" + r"\.org", "python" + r"hosted\.org", "npm" + r"js\.(org|com)", "crates" + r"\.io"]
_FOLDERS = [r"(?<![\w.~])/" + folder + "/" for folder in ("work", "root", r"home/\w+", "opt/wheels")]
_UNWANTED = re.compile("|".join(_HOSTS + _FOLDERS))


def _tracked() -> list[Path]:
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: the tracked files are not known")
    listed = subprocess.run([git, "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True)
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8", errors="replace").splitlines()


def test_no_module_is_longer_than_can_be_read_in_one_sitting() -> None:
    source = ROOT / "src"
    long = {
        str(path.relative_to(source)): len(_lines(path))
        for path in sorted(source.rglob("*.py"))
        if len(_lines(path)) > LONGEST_MODULE
    }

    assert {} == {name: length for name, length in long.items() if name not in LONG_FOR_A_REASON}
    assert [] == [name for name in LONG_FOR_A_REASON if name not in long]


def test_no_tracked_file_names_a_machines_folder_or_a_registrys_host() -> None:
    # Mails are other people's words and may name any host.
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}"
        for path in _tracked()
        if path.suffix != ".eml"
        for number, line in enumerate(_lines(path), 1)
        if _UNWANTED.search(line)
    ]

    assert [] == found


@pytest.mark.parametrize("lock", sorted((ROOT / "requirements").glob("*.lock")), ids=lambda path: path.name)
def test_a_lock_file_names_no_host_and_hashes_every_pin(lock: Path) -> None:
    text = lock.read_text()
    pins = [line for line in text.splitlines() if line[:1].isalnum()]

    assert "://" not in text
    assert pins
    assert [] == [pin for pin in pins if "==" not in pin]
    for block in re.split(r"\n(?=\S)", text.strip()):
        assert "--hash=sha256:" in block


def _pinned(name: str) -> dict[str, list[str]]:
    pins: dict[str, list[str]] = {}
    for line in (ROOT / "requirements" / name).read_text().splitlines():
        if line[:1].isalnum():
            requirement = Requirement(line.rstrip(" \\"))
            pins.setdefault(canonicalize_name(requirement.name), []).extend(
                specifier.version for specifier in requirement.specifier
            )
    return pins


def _wanted(name: str) -> list[Requirement]:
    lines = (ROOT / "requirements" / name).read_text().splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def test_the_locks_satisfy_what_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    core = [Requirement(line) for line in project["dependencies"]]
    extras = [Requirement(line) for extra in project["optional-dependencies"].values() for line in extra]
    hands = [requirement for requirement in extras if requirement.name != project["name"]]
    asked = {
        "demo.lock": core + _wanted("build.in"),
        "dev.lock": core + hands + _wanted("build.in") + _wanted("dev.in"),
        "models.lock": _wanted("models.in"),
        "models-more.lock": _wanted("models-more.in"),
    }

    for lock, requirements in asked.items():
        pins = _pinned(lock)
        for requirement in requirements:
            versions = pins.get(canonicalize_name(requirement.name), [])
            assert versions, f"{lock} lacks {requirement.name}: run `make lock`"
            assert all(version in requirement.specifier for version in versions), f"{lock}: {requirement}"


def test_the_light_set_is_a_subset_of_the_full_one_with_the_same_pins() -> None:
    full = _pinned("dev.lock")

    assert {} == {name: pins for name, pins in _pinned("demo.lock").items() if full.get(name) != pins}
