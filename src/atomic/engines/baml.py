"""BAML: types as BAML writes them, made while running, and its schema-aligned parser. Imported only when used."""

from __future__ import annotations

import json
import os
import re
import types
from collections.abc import Mapping
from typing import Any

from atomic.engines.shapes import Shape, Shapes
from atomic.errors import MissingExtra, TaskError

_NAMES = {"text": "string", "whole": "int", "number": "float", "truth": "bool", "null": "null"}
_CLIENT = """client<llm> None {
  provider openai-generic
  options {
    base_url "http://127.0.0.1:1"
    model "m"
  }
}
"""
_CHECKS: Mapping[str, str] = {
    "minimum": "this >= {}", "maximum": "this <= {}", "exclusiveMinimum": "this > {}", "exclusiveMaximum": "this < {}",
    "minLength": "this|length >= {}", "maxLength": "this|length <= {}", "minItems": "this|length >= {}",
    "maxItems": "this|length <= {}",
}  # fmt: skip


class BamlType:
    """A type in BAML, and the parser for it. Making one takes milliseconds: keep it. Safe for threads."""

    def __init__(self, shapes: Shapes) -> None:
        """Raises TaskError for a type that BAML has not, MissingExtra without the library."""
        self._shapes = shapes
        self.source = source(shapes)
        baml = library()
        try:
            self._runtime = baml.BamlRuntime.from_files("/", {"type.baml": _CLIENT + self.source}, {})
        except BaseException as error:  # its own errors are no Exception of ours, and a panic is none at all
            if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
                raise
            raise TaskError(f"BAML does not take this type: {_first_line(error)}") from None
        self._context = self._runtime.create_context_manager()
        self._module = types.ModuleType("atomic_baml")

    def parse(self, text: str, *, partial: bool = False) -> Any:
        """What BAML's parser makes of a text, as JSON with the schema's keys. Raises ValueError when it makes nothing.

        `partial`: the text still grows, and what is not there yet is null.

        It closes what is cut, drops items and coerces without a word: nobody may take its value for whole.
        """
        module = self._module
        try:
            value = self._runtime.parse_llm_response(
                "Answer", text, module, module, module, partial, self._context, None, None, {}
            )
        except BaseException as error:
            if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
                raise
            raise ValueError(_first_line(error)) from None
        return self._renamed(self._shapes.root, value)

    def prompt(self, instruction: str) -> str:
        """An instruction with BAML's words on the form of the answer after it; nothing is sent."""
        registry = library().ClientRegistry()
        request = self._runtime.build_request_sync(
            "Answer", {"text": instruction}, self._context, None, registry, {}, False
        )
        content = request.body.json()["messages"][0]["content"]
        return content if isinstance(content, str) else "".join(one["text"] for one in content)

    def _renamed(self, shape: Shape, value: Any) -> Any:
        """A value of BAML's classes with the schema's keys; unions are told apart by the keys that are there."""
        shape = self._shapes.of(shape)
        if shape.kind == "object" and isinstance(value, dict):
            keys = [_key(number) for number in range(len(shape.fields))]
            return {
                name: self._renamed(inner, value.get(key))
                for key, (name, inner) in zip(keys, shape.fields.items(), strict=True)
            }
        if shape.kind == "map" and isinstance(value, dict) and shape.inner is not None:
            return {key: self._renamed(shape.inner, one) for key, one in value.items()}
        if shape.kind == "list" and isinstance(value, list) and shape.inner is not None:
            return [self._renamed(shape.inner, one) for one in value]
        if shape.kind == "union":
            return self._renamed(self._member(shape, value), value)
        return value

    def _member(self, shape: Shape, value: Any) -> Shape:
        members = [self._shapes.of(one) for one in shape.options]
        kinds: Mapping[type, tuple[str, ...]] = {dict: ("object", "map"), list: ("list",)}
        kind = kinds.get(type(value), ())
        for one in members:
            size = len(one.fields)
            if one.kind in kind and (one.kind != "object" or _fits(one, value, self._shapes, size)):
                return one
        return Shape(kind="any")


def source(shapes: Shapes) -> str:
    """A schema as BAML text: classes with descriptions, aliases and asserts, and a function that answers it.

    Raises TaskError for what BAML has no type for.

    >>> from atomic.engines.shapes import shapes
    >>> print(source(shapes({"properties": {"größe": {"type": "integer", "minimum": 0}}, "required": ["größe"]})))
    class C0 {
      k0 int @alias("größe") @assert(minimum, {{ this >= 0 }})
    }
    function Answer(text: string) -> C0 {
      client None
      prompt #"{{ text }}
    <BLANKLINE>
    {{ ctx.output_format }}"#
    }
    <BLANKLINE>
    """
    writer = _Writer(shapes)
    root = writer.type(shapes.root, ())
    classes = "\n".join(writer.classes.values())
    function = (
        f"function Answer(text: string) -> {root} {{\n  client None\n"
        '  prompt #"{{ text }}\n\n{{ ctx.output_format }}"#\n}\n'
    )
    return f"{classes}\n{function}" if classes else function


class _Writer:
    def __init__(self, shapes: Shapes) -> None:
        self._shapes = shapes
        self._of: dict[int, str] = {}
        self.classes: dict[str, str] = {}

    def type(self, shape: Shape, above: tuple[int, ...]) -> str:
        shape = self._shapes.of(shape)
        if shape.kind in _NAMES:
            return _NAMES[shape.kind]
        if shape.kind == "object":
            return self._class(shape)
        if id(shape) in above:
            raise TaskError("BAML has no type for what refers to itself other than through an object")
        above = (*above, id(shape))
        if shape.kind == "choice":
            return _literals(shape)
        if shape.kind == "list" and shape.inner is not None:
            return f"{_grouped(self.type(shape.inner, above))}[]"
        if shape.kind == "map" and shape.inner is not None:
            return f"map<string, {self.type(shape.inner, above)}>"
        if shape.kind == "union":
            return " | ".join(dict.fromkeys(self.type(one, above) for one in shape.options))
        raise TaskError(f"BAML has no type for {'anything at all' if shape.kind == 'any' else 'a ' + shape.kind}")

    def _class(self, shape: Shape) -> str:
        if id(shape) in self._of:
            return self._of[id(shape)]
        name = self._of[id(shape)] = f"C{len(self._of)}"
        self.classes[name] = ""
        lines = []
        for number, (key, inner) in enumerate(shape.fields.items()):
            written = self.type(inner, ())
            optional = "" if key in shape.required else "?"
            said = f" @description({_quoted(inner.description)})" if inner.description else ""
            lines.append(
                f"  {_key(number)} {_grouped(written) if optional else written}{optional} "
                f"@alias({_quoted(key)}){said}{'' if optional else _asserts(inner)}\n"
            )
        self.classes[name] = f"class {name} {{\n{''.join(lines)}}}"
        return name


def _asserts(shape: Shape) -> str:
    checks = [
        f" @assert({limit}, {{{{ {check.format(json.dumps(shape.limits[limit]))} }}}})"
        for limit, check in _CHECKS.items()
        if limit in shape.limits
    ]
    return "".join(checks)


def _literals(shape: Shape) -> str:
    names = {bool: "bool", float: "float", type(None): "null"}
    written = [_quoted(one) if isinstance(one, str) else names.get(type(one), str(one)) for one in shape.choices]
    return " | ".join(dict.fromkeys(written))


def _grouped(written: str) -> str:
    return f"({written})" if " | " in written else written


def _quoted(text: str) -> str:
    return json.dumps(re.sub(r"\s+", " ", text), ensure_ascii=False)


def _key(number: int) -> str:
    return f"k{number}"


def _fits(shape: Shape, value: Mapping[str, Any], shapes: Shapes, size: int) -> bool:
    if set(value) != {_key(number) for number in range(size)}:
        return False
    for number, (name, inner) in enumerate(shape.fields.items()):
        one, inner = value[_key(number)], shapes.of(inner)
        if one is None and name in shape.required and inner.kind not in ("null", "union"):
            return False
        if inner.kind == "choice" and one is not None and one not in inner.choices:
            return False
    return True


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]


def library() -> Any:
    """BAML, told to keep quiet. Raises MissingExtra."""
    for one in ("BAML_LOG", "BAML_INTERNAL_LOG"):  # it prints prompts, and what it cannot parse, otherwise
        os.environ.setdefault(one, "off")
    os.environ.setdefault("RUST_LIB_BACKTRACE", "0")  # its first error looks up where it arose: a third of a second
    try:
        import baml_py
    except ImportError:
        raise MissingExtra("BAML is not installed", hint="pip install 'atomic-market[baml]'") from None
    return baml_py
