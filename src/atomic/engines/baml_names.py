"""The names that a BAML type has on paper, asked of BAML: `@alias` of fields and values; what `@skip` leaves out."""

from __future__ import annotations

import enum
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, create_model

from atomic.errors import TaskError

PREFIX = "AtomicForm"
_CHECKED = "Checked["


@dataclass(frozen=True, slots=True)
class Names:
    """By class: each field's name on paper; by enumeration: each value's, those that are left out not among them."""

    fields: Mapping[str, Mapping[str, str]]
    values: Mapping[str, Mapping[str, str]]

    def written(self, answer: Any) -> Any:
        """An answer as JSON that a model would have written."""
        if isinstance(answer, BaseModel):
            if is_checked(type(answer)):
                return self.written(answer.value)  # type: ignore[attr-defined] # a class of BAML's generator
            names = self.fields.get(type(answer).__name__, {})
            return {names.get(one, one): self.written(getattr(answer, one)) for one in type(answer).model_fields}
        if isinstance(answer, enum.Enum):
            return self.values.get(type(answer).__name__, {}).get(answer.name, answer.value)
        if isinstance(answer, dict):
            return {key: self.written(one) for key, one in answer.items()}
        return [self.written(one) for one in answer] if isinstance(answer, list) else answer

    def schema(self, node: Any) -> Any:
        """A JSON schema of answers as the schema of what is written."""
        if isinstance(node, list):
            return [self.schema(one) for one in node]
        if not isinstance(node, dict):
            return node
        title = str(node.get("title", ""))
        if title.startswith(_CHECKED) and "properties" in node:
            return self.schema(node["properties"]["value"])
        made = {key: self.schema(one) for key, one in node.items()}
        if "properties" in node:
            names = self.fields.get(title, {})
            made["properties"] = {names.get(key, key): one for key, one in made["properties"].items()}
            made["required"] = [names.get(one, one) for one in node.get("required", ())]
        elif "enum" in node and title in self.values:
            made["enum"] = list(self.values[title].values())
        return made

    def plain(self, kind: Any) -> bool:
        """Whether an enumeration's values are written as they are, all of them."""
        values = self.values.get(getattr(kind, "__name__", ""))
        return values is None or {one.name: one.value for one in kind} == values


def is_checked(kind: Any) -> bool:
    """Whether a class is what BAML's generator wraps a value with checks in."""
    return isinstance(kind, type) and issubclass(kind, BaseModel) and kind.__name__.startswith(_CHECKED)


def classes(kind: Any) -> dict[str, type]:
    """Every model and enumeration that a type is made of, by name; without what wraps checks."""
    found: dict[str, type] = {}
    waiting = [kind]
    while waiting:
        one = waiting.pop()
        if isinstance(one, type) and issubclass(one, enum.Enum):
            found[one.__name__] = one
        elif isinstance(one, type) and issubclass(one, BaseModel):
            if one.__name__ in found:
                continue
            if not is_checked(one):
                found[one.__name__] = one
            waiting += [field.annotation for name, field in one.model_fields.items() if _holds(one, name)]
        else:
            waiting += typing.get_args(one)
    return found


def _holds(kind: type, name: str) -> bool:
    return not is_checked(kind) or name == "value"


def module_of(kind: Any) -> types.ModuleType:
    """A module with all classes of a type, as BAML's parser wants it to make values of them."""
    module = types.ModuleType("atomic_baml_types")
    for name, one in classes(kind).items():
        setattr(module, name, one)
    for wrapper in _wrappers(kind, set()):
        origin = wrapper.__pydantic_generic_metadata__["origin"]
        module.Checked = origin  # type: ignore[attr-defined]
        checks = typing.get_args(wrapper.model_fields["checks"].annotation)
        module.Check = checks[1]  # type: ignore[attr-defined]
    return module


def twins_of(module: types.ModuleType) -> types.ModuleType:
    """The same module with models whose fields are all optional, for values that still grow."""
    growing = types.ModuleType(module.__name__)
    for name, one in vars(module).items():
        if isinstance(one, type) and issubclass(one, BaseModel) and name not in ("Check", "Checked"):
            fields: dict[str, Any] = dict.fromkeys(one.model_fields, (Any, None))
            setattr(growing, name, create_model(name, **fields))
        elif not name.startswith("__"):
            setattr(growing, name, one)
    return growing


def _wrappers(kind: Any, seen: set[Any]) -> Iterator[type[BaseModel]]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        if kind in seen:
            return
        seen.add(kind)
        if is_checked(kind):
            yield kind
        for one in kind.model_fields.values():
            yield from _wrappers(one.annotation, seen)
    else:
        for one in typing.get_args(kind):
            yield from _wrappers(one, seen)


def forms(kind: Any, client: str) -> str:
    """Functions in BAML that show each class of a type alone, so that its names on paper can be read."""
    prompt = '#"{{ ctx.output_format(prefix="") }}"#'
    return "".join(
        f"function {PREFIX}{name}() -> {name} {{\n  client {client}\n  prompt {prompt}\n}}\n" for name in classes(kind)
    )


def names_of(kind: Any, shown: Callable[[str], str], parsed: Callable[[str, str], Any]) -> Names:
    """The names of a type's classes. `shown` renders a form, `parsed` reads a text as the value of one.

    Raises TaskError where a class in Python is not that of the files.
    """
    fields: dict[str, dict[str, str]] = {}
    values: dict[str, dict[str, str]] = {}
    for name, one in classes(kind).items():
        form = shown(PREFIX + name)
        if issubclass(one, enum.Enum):
            values[name] = _values(one, form, lambda text, name=name: parsed(PREFIX + name, text))  # type: ignore[misc]
        elif issubclass(one, BaseModel):
            found = _keys(form)
            if len(found) != len(one.model_fields):
                raise TaskError(
                    f"{name} has {len(one.model_fields)} fields here and {len(found)} in its .baml file",
                    hint="`atomic import` writes the module anew",
                )
            fields[name] = dict(zip(one.model_fields, found, strict=True))
    return Names(fields, values)


def _values(kind: type[enum.Enum], form: str, parsed: Callable[[str], Any]) -> dict[str, str]:
    """What each value is called: a line of the form, up to its description; BAML says where that begins."""
    found: dict[str, str] = {}
    for line in form.splitlines():
        if not line.startswith("- "):
            continue
        parts = line[2:].split(": ")
        for end in range(1, len(parts) + 1):
            text = ": ".join(parts[:end])
            value = parsed(text)
            if isinstance(value, kind):
                found[value.name] = text
                break
    return found


def _keys(form: str) -> list[str]:
    """The keys of the last object of a form, in order."""
    lines = form.splitlines()
    named = f"{lines[-1].strip()} {{" if lines and lines[-1].strip() not in ("}", "") else "{"
    start = next((number for number, line in enumerate(lines) if line == named), len(lines))
    keys = []
    for line in lines[start + 1 :]:
        if line == "}":
            break
        if line.startswith("  ") and line[2:3] not in (" ", "}", "]", "/", ""):
            keys.append(line.strip().partition(": ")[0])
    return keys
