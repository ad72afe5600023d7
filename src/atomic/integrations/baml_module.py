"""A module of Python with the types and microtasks of a folder of `.baml` files: types by BAML's own generator."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tempfile
import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from atomic.engines.baml_names import classes
from atomic.engines.baml_project import said_of
from atomic.errors import AtomicError, TaskError
from atomic.integrations.baml_blocks import Block
from atomic.records.microtask import Microtask

_GENERATOR = """generator atomic {{
  output_type "python/pydantic"
  output_dir "../out"
  version "{version}"
}}
"""
_OTHER_GENERATORS = re.compile(r"^[ \t]*generator\s+\w+\s*\{[^{}]*\}", re.MULTILINE)
_RUN = "import baml_py; baml_py.invoke_runtime_cli()"
_MEDIA = re.compile(r"\bbaml_py\.(?:\w+\.)*(\w+)")
_HEAD = '''"""Microtasks of {folder}, written by `atomic import`: prompts and asserts stay there, read while running."""

import typing
from enum import Enum
from pathlib import Path

import typing_extensions
from pydantic import BaseModel, ConfigDict, Field

import atomic
{media}from atomic.engines.baml_project import BamlProject

_BAML = BamlProject(Path(__file__).parent / {path!r})
'''
_TASK = """

@_BAML.asks
@atomic.microtask(worth={worth!r})
async def {name}({parameters}) -> {output}:
    {said}
    raise NotImplementedError  # the body is never run: somebody answers
"""


@dataclass(frozen=True, slots=True)
class Function:
    """A function as BAML's generator declares it: its parameters and its type, in Python."""

    name: str
    parameters: str
    output: str


@dataclass(frozen=True, slots=True)
class Module:
    """The text of a module, its microtasks by name, and functions that are not in it: which, and why."""

    text: str
    tasks: Mapping[str, Microtask[..., Any]]
    notes: tuple[tuple[str, str], ...]


def module_of(files: Mapping[str, str], blocks: Sequence[Block], *, target: Path, path: str, worth: str) -> Module:
    """The module of a folder's files, to be written to `target`, from which `path` leads to the folder.

    Raises TaskError where BAML finds a fault in a file.
    """
    generated = _generated(files)
    declared = _types(generated["types.py"])
    media = "import baml_py\n" if _MEDIA.search(declared) else ""
    text = _HEAD.format(folder=Path(path).name, path=path, media=media) + declared
    prompts = {one.name: str(one.values.get("prompt", "")) for one in blocks if one.kind == "function"}
    made: dict[str, str] = {}
    notes = []
    probe = _executed(text, target)
    for one in _functions(generated["sync_client.py"]):
        declared = _TASK.format(
            worth=worth,
            name=one.name,
            parameters=one.parameters,
            output=one.output,
            said=_said(prompts.get(one.name, ""), one.name),
        )
        why = _hindrance(one, declared, probe)
        if why:
            notes.append((f"function {one.name}", why))
        else:
            made[one.name] = declared
    return Module(text + "".join(made.values()), {name: getattr(probe, name) for name in made}, tuple(notes))


def _generated(files: Mapping[str, str]) -> dict[str, str]:
    with tempfile.TemporaryDirectory(prefix="atomic-") as folder:
        source = Path(folder) / "baml_src"
        for name, text in files.items():
            place = source / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(_OTHER_GENERATORS.sub("", text), encoding="utf-8")
        (source / "atomic_generator.baml").write_text(_GENERATOR.format(version=version("baml-py")), encoding="utf-8")
        ran = subprocess.run(
            [sys.executable, "-c", _RUN, "generate", "--from", str(source)],
            capture_output=True,
            text=True,
            check=False,
        )
        out = Path(folder) / "out" / "baml_client"
        if ran.returncode or not out.exists():
            raise TaskError(f"BAML cannot read these files: {said_of(Exception(_fault(ran.stderr)))}")
        return {one: (out / one).read_text(encoding="utf-8") for one in ("types.py", "sync_client.py")}


def _fault(words: str) -> str:
    lines = words.splitlines()
    start = next((number for number, line in enumerate(lines) if "error" in line.casefold()), 0)
    return "\n".join(lines[start:]).removeprefix("baml_py.BamlError: ")


def _types(text: str) -> str:
    """The generator's types, from the first class on."""
    start = re.search(r"^CheckT = ", text, re.MULTILINE)
    body = text[start.start() :] if start else text
    return "\n" + "\n".join(line for line in body.splitlines() if not line.startswith("#")).rstrip() + "\n"


def _functions(text: str) -> Iterator[Function]:
    client = next(one for one in ast.parse(text).body if isinstance(one, ast.ClassDef) and one.name == "BamlSyncClient")
    for one in client.body:
        if not isinstance(one, ast.FunctionDef) or one.args.args[-1].arg != "baml_options" or one.returns is None:
            continue
        arguments = one.args.args[1:-1]
        defaults = dict(zip([arg.arg for arg in reversed(one.args.args)], reversed(one.args.defaults), strict=False))
        parameters = [
            f"{arg.arg}: {_plain(arg.annotation)}"
            + (f" = {ast.unparse(defaults[arg.arg])}" if arg.arg in defaults else "")
            for arg in arguments
            if arg.annotation is not None
        ]
        yield Function(one.name, ", ".join(parameters), _plain(one.returns))


def _plain(annotation: ast.expr) -> str:
    return re.sub(r"\btypes\.", "", ast.unparse(_Literals().visit(annotation)))


class _Literals(ast.NodeTransformer):
    """A union of literals as one literal, which is what labels are."""

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        self.generic_visit(node)
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else []
        inner = [one.slice for one in parts if isinstance(one, ast.Subscript) and _named(one) == "Literal"]
        if _named(node) != "Union" or not inner or len(inner) != len(parts):
            return node
        node.value, node.slice = parts[0].value, ast.Tuple(elts=inner)  # type: ignore[attr-defined] # a Subscript
        return node


def _named(node: ast.Subscript) -> str:
    return node.value.attr if isinstance(node.value, ast.Attribute) else ""


def _hindrance(function: Function, declared: str, probe: types.ModuleType) -> str:
    """Why a function cannot be a microtask; empty where it can."""
    if media := _MEDIA.search(function.parameters):
        return f"takes {media[1]}; microtasks take what can be written as JSON"
    try:
        exec(compile(declared, function.name, "exec"), probe.__dict__)  # the generator's words, and ours
    except AtomicError as error:
        return error.message.partition(": `")[0]
    except (RecursionError, NameError, TypeError) as error:
        return f"its type cannot be one of a microtask: {type(error).__name__}"
    return _media_in(getattr(probe, function.name))


def _media_in(task: Microtask[..., Any]) -> str:
    """Which class of a task's input holds a picture, sound or document; empty where none does."""
    for field in task.input_model.model_fields.values():
        for name, kind in classes(field.annotation).items():
            fields = kind.model_fields.values() if issubclass(kind, BaseModel) else ()
            if any(_MEDIA.search(repr(one.annotation)) for one in fields):
                return f"takes media in {name}; microtasks take what can be written as JSON"
    return ""


def _executed(text: str, target: Path) -> types.ModuleType:
    probe = types.ModuleType("atomic_imported_baml")
    probe.__file__ = str(target)
    sys.modules[probe.__name__] = probe
    try:
        exec(compile(text, str(target), "exec"), probe.__dict__)
    finally:
        del sys.modules[probe.__name__]
    return probe


def _said(prompt: str, name: str) -> str:
    """A prompt as an instruction: without what BAML fills in, and with the arguments' names in braces."""
    bare = re.sub(r"\{\{\s*(?:ctx\.|_\.)[^{}]*\}\}|\{%.*?%\}|\{#.*?#\}", "", prompt, flags=re.DOTALL)
    bare = re.sub(r"\{\{\s*([\w.]+)\s*\}\}", r"{\1}", bare)
    words = "\n".join(line.rstrip() for line in bare.splitlines() if line.strip()).strip()
    return repr(words or f"Answer as the function {name} of BAML says.")
