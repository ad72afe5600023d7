"""A folder of `.baml` files carried over: bidders, microtasks and cases, and in words what is left behind."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from pathlib import Path

from atomic.config import read_config
from atomic.engines.baml_project import BamlProject
from atomic.errors import CallerError
from atomic.integrations.baml_blocks import blocks
from atomic.integrations.baml_cases import cases_of
from atomic.integrations.baml_clients import bidders, toml
from atomic.integrations.baml_module import module_of

MODULE = "baml_tasks.py"
CASES = "cases"
CONFIG = "atomic.toml"
_NEW = """[market]
ledger = "atomic.db"
per_day = "$1"          # what a UTC day may cost at most
"""
_PRICES = "# Clients of {folder}. Each bids once its price is known: `atomic prices update FILE`, or a table here.\n"


@dataclass(frozen=True, slots=True)
class CarriedOver:
    """Files that were made, by path, and what is not carried over: what, and why."""

    files: dict[Path, str]
    microtasks: tuple[str, ...]
    bidders: tuple[str, ...]
    cases: int
    notes: tuple[tuple[str, str], ...]

    def write(self) -> None:
        """Write the files. Raises CallerError for one that cannot be written."""
        for path, text in self.files.items():
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            except OSError as error:
                raise CallerError(f"{path} cannot be written: {error.strerror}") from None


def carry_over(folder: Path, into: Path, *, worth: str = "$0.01") -> CarriedOver:
    """Read a folder and make what is to be written into another; nothing is written yet.

    A configuration that is there keeps every line: bidders that it has not are put after them.
    Raises TaskError, MissingExtra or ConfigError.
    """
    project = BamlProject(folder)
    found = [one for text in project.files.values() for one in blocks(text)]
    target = into / MODULE
    module = module_of(
        project.files,
        found,
        target=target.absolute(),
        path=os.path.relpath(folder, into).replace(os.sep, "/"),
        worth=worth,
    )
    clients = bidders(found)
    cases = cases_of(found, module.tasks, target.stem)
    config, added = _config(into / CONFIG, clients.tables, folder.name)
    files = {target: module.text, into / CONFIG: config}
    files |= {into / CASES / f"{name}.cases.yaml": text for name, text in cases.files.items()}
    notes = (*module.notes, *clients.notes, *cases.notes)
    return CarriedOver(files, tuple(module.tasks), tuple(added), cases.count, notes)


def _config(path: Path, tables: dict[str, dict[str, str]], folder: str) -> tuple[str, list[str]]:
    text = path.read_text(encoding="utf-8") if path.exists() else _NEW
    there = tomllib.loads(text).get("bidders", {}) if not path.exists() else read_config(path).settings.bidders
    fresh = {name: table for name, table in tables.items() if name not in there}
    if fresh:
        text = f"{text.rstrip()}\n\n{_PRICES.format(folder=folder)}{toml(fresh)}"
    return text, list(fresh)
