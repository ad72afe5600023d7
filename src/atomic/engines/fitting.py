"""A loosely read tree made to fit a shape, or not: nothing is dropped, closed or coerced without being named."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from atomic.engines.dates import FORMATS, formatted
from atomic.engines.loose_json import Loose
from atomic.engines.numbers import number_in
from atomic.engines.shapes import Shape, Shapes
from atomic.engines.tree import Many, Pairs, Raw, Text, Unreadable, Word
from atomic.engines.values import NUMBER, Misfit, folded, obeys, plain, same

_NOTHING = ("null", "none", "nil", "n/a", "undefined")
_TRUE, _FALSE = ("true", "yes", "y", "1"), ("false", "no", "n", "0")
_SEPARATORS = re.compile(r"[,;\n/|&]|\band\b|\bor\b")
_BLANKS = re.compile(r"\.{3}|…|<[^<>]*>|\[[^\[\]]*\]|\{[^{}]*\}|T(?:BD|ODO)")


@dataclass(slots=True)
class Fitter:
    """Fits trees to the shapes of one schema; `repairs` names every liberty taken."""

    shapes: Shapes
    drops: bool = False  # whether keys that a schema says nothing of may be left out
    repairs: dict[str, None] = field(default_factory=dict)

    def fit(self, shape: Shape, raw: Raw, about: str = "") -> Any:
        """The JSON value. Raises Misfit when there is none, or more than one."""
        shape = self.shapes.of(shape)
        about = f"{about} {shape.description}"
        if isinstance(raw, Text) and _BLANKS.fullmatch(raw.value.strip()) and shape.kind in ("text", "whole", "number"):
            raise Misfit("a place held open")
        return _HANDLERS[shape.kind](self, shape, self._alone(shape, raw), about)

    def _alone(self, shape: Shape, raw: Raw) -> Raw:
        """The only item of a list where none is asked for; the JSON inside a text where a text is not asked for."""
        if shape.kind in ("object", "text", "whole", "number", "truth", "choice") and isinstance(raw, Many):
            if len(raw.items) != 1 or raw.cut:
                raise Misfit("a list")
            self._note("a list of one for its item")
            return raw.items[0]
        if (
            shape.kind in ("object", "map", "list", "tuple")
            and isinstance(raw, Text)
            and raw.value.strip()[:1] in ("{", "[")
        ):
            inner = Loose(raw.value.strip())
            try:
                found = inner.value()
            except Unreadable as error:
                raise Misfit(str(error)) from None
            if inner.position != len(inner.text):
                raise Misfit("more than JSON in a text")
            self.repairs.update(inner.repairs)
            self._note("JSON inside a text")
            return found
        return raw

    def _object(self, shape: Shape, raw: Raw, about: str) -> Any:
        if not isinstance(raw, Pairs):
            raise Misfit("no object")
        names = self._names(shape, raw)
        found: dict[str, Any] = {}
        extras = []
        for key, inner in raw.items:
            name = names.get(key)
            if name is None:
                extras.append(key)
                if shape.extras == "kept":
                    found[key] = plain(inner)
                continue
            value = self.fit(shape.fields[name], inner, name)
            if name in found and not same(found[name], value):
                raise Misfit(f"{name!r} twice")
            found[name] = value
        lacking = set(shape.fields) - set(found)
        if raw.cut and (lacking or extras):
            raise Misfit("cut")
        if missing := shape.required - set(found):
            raise Misfit(f"lacks {', '.join(sorted(missing))}")
        if extras and shape.extras != "kept":
            # An undeclared key beside a declared one that is absent may be that one, misspelt.
            if lacking or shape.extras == "refused" or not self.drops:
                raise Misfit("undeclared keys")
            self._note("undeclared key left out")
        return {name: found[name] for name in (*shape.fields, *found) if name in found}

    def _names(self, shape: Shape, raw: Pairs) -> dict[str, str]:
        """The declared name of each key that is one, in whatever case and with whatever marks between its words."""
        if all(key in shape.fields for key, _ in raw.items):
            return {key: key for key, _ in raw.items}
        spelt: dict[str, list[str]] = {}
        for name in shape.fields:
            spelt.setdefault(folded(name), []).append(name)
        names = {}
        for key, _ in raw.items:
            near = spelt.get(folded(key), [])
            if key in shape.fields:
                names[key] = key
            elif len(near) == 1 and near[0] not in names.values() and near[0] not in dict(raw.items):
                names[key] = near[0]
                self._note("key in another spelling")
        return names

    def _map(self, shape: Shape, raw: Raw, about: str) -> Any:
        if not isinstance(raw, Pairs) or raw.cut or shape.inner is None:
            raise Misfit("no whole object")
        found: dict[str, Any] = {}
        for key, inner in raw.items:
            value = self.fit(shape.inner, inner, f"{about} {key}")
            if key in found and not same(found[key], value):
                raise Misfit("a key twice")
            found[key] = value
        return found

    def _list(self, shape: Shape, raw: Raw, about: str) -> Any:
        if shape.inner is None:
            raise Misfit("no list")
        if isinstance(raw, Many):
            if raw.cut:
                raise Misfit("cut")
            return [self.fit(shape.inner, one, about) for one in raw.items]
        inner = self.shapes.of(shape.inner)
        if isinstance(raw, Text | Word):
            parts = [one.strip() for one in re.split(r"[,;|\n]", raw.value)]
            if inner.kind in ("choice", "whole", "number") and len(parts) > 1 and ", " in raw.value:
                self._note("a list in one text")
                return [self.fit(inner, Text(one), about) for one in parts]
            if inner.kind in ("list", "map", "any", "union") or _SEPARATORS.search(raw.value) or not raw.value.strip():
                raise Misfit("no list")
            if isinstance(raw, Word) and raw.value.casefold() in _NOTHING:
                raise Misfit("no list")
        elif inner.kind != "object":
            raise Misfit("no list")
        self._note("an item for a list of one")
        return [self.fit(inner, raw, about)]

    def _tuple(self, shape: Shape, raw: Raw, about: str) -> Any:
        if not isinstance(raw, Many) or raw.cut or len(raw.items) != len(shape.options):
            raise Misfit("not as many items")
        return [self.fit(inner, one, about) for inner, one in zip(shape.options, raw.items, strict=True)]

    def _text(self, shape: Shape, raw: Raw, about: str) -> Any:
        if isinstance(raw, Word):
            if raw.value.casefold() in (*_NOTHING, "true", "false"):
                raise Misfit("no text")
            if NUMBER.fullmatch(raw.value):
                self._note("a number for a text")
            value = raw.value
        elif isinstance(raw, Text):
            value = raw.value
        else:
            raise Misfit("no text")
        kind = shape.limits.get("format")
        if kind in FORMATS:
            spelt = formatted(value, kind)
            if spelt is None:
                raise Misfit(f"no {kind}")
            if spelt != value:
                self._note(f"a {kind} in another spelling")
            return spelt
        return value

    def _number(self, shape: Shape, raw: Raw, about: str) -> Any:
        if not isinstance(raw, Text | Word):
            raise Misfit("no number")
        number: Decimal | None
        if isinstance(raw, Word) and NUMBER.fullmatch(raw.value):
            number = Decimal(raw.value)
        else:
            number = number_in(raw.value, about)
            if isinstance(raw, Text) and re.fullmatch(r"[+-]?\d{1,3}\.\d{3}", raw.value.strip()):
                number = None  # a point may stand for thousands there
            number = self._share(shape, raw.value, about) if number is None else number
            self._note("a number in other words")
        if number is None or not number.is_finite():
            raise Misfit("no number")
        whole = number == number.to_integral_value() if abs(number.adjusted()) < 400 else False
        if shape.kind == "whole":
            if not whole:
                raise Misfit("no whole number")
            return int(number)
        if abs(number.adjusted()) >= 300:
            raise Misfit("not a number of this machine's")
        written = isinstance(raw, Word) and NUMBER.fullmatch(raw.value)
        return json.loads(raw.value) if written else int(number) if whole else float(number)

    def _share(self, shape: Shape, text: str, about: str) -> Decimal | None:
        """A percentage, where the limits say what it is a share of."""
        head, mark, rest = text.strip().partition("%")
        most = shape.limits.get("maximum")
        number = number_in(head) if mark and not rest.strip() else None
        if number is None or most not in (1, 100):
            return None
        return number if most == 100 else number / 100

    def _truth(self, shape: Shape, raw: Raw, about: str) -> Any:
        if not isinstance(raw, Text | Word):
            raise Misfit("neither true nor false")
        if isinstance(raw, Word) and raw.value in ("true", "false"):
            return raw.value == "true"
        word = raw.value.strip(" .!*_`\"'").casefold()
        if word not in (*_TRUE, *_FALSE):
            raise Misfit("neither true nor false")
        self._note("a truth in other words")
        return word in _TRUE

    def _null(self, shape: Shape, raw: Raw, about: str) -> Any:
        if isinstance(raw, Word) and raw.value == "null":
            return None
        if not isinstance(raw, Text | Word) or raw.value.strip().casefold() not in _NOTHING:
            raise Misfit("not null")
        self._note("null in other words")
        return None

    def _choice(self, shape: Shape, raw: Raw, about: str) -> Any:
        if not isinstance(raw, Text | Word):
            raise Misfit("none of the choices")
        for one in shape.choices:
            written = one if isinstance(one, str) else json.dumps(one)
            if raw.value == written and isinstance(one, str) == isinstance(raw, Text):
                return one
        near = [one for one in shape.choices if folded(raw.value) and folded(raw.value) == folded(_spelt(one))]
        exact = [one for one in shape.choices if raw.value.strip() == _spelt(one)]
        found = exact if len(exact) == 1 else near
        if len(found) != 1 or _signed(raw.value) != _signed(_spelt(found[0])):
            raise Misfit("none of the choices, or more than one")
        self._note("a choice in another spelling")
        return found[0]

    def _union(self, shape: Shape, raw: Raw, about: str) -> Any:
        """The member that fits with the fewest liberties; none where two fit so with different values."""
        ways: list[tuple[int, Any, dict[str, None]]] = []
        for option in shape.options:
            way = Fitter(self.shapes, self.drops)
            try:
                value = way.fit(option, raw, about)
            except Misfit:
                continue
            if obeys(self.shapes.of(option), value):
                ways.append((len(way.repairs), value, way.repairs))
        if not ways:
            raise Misfit("none of the union's members")
        least = [one for one in ways if one[0] == 0] or ways
        if any(not same(least[0][1], one[1]) for one in least):
            raise Misfit("more than one of the union's members")
        self.repairs.update(least[0][2])
        return least[0][1]

    def _any(self, shape: Shape, raw: Raw, about: str) -> Any:
        return plain(raw)

    def _note(self, repair: str) -> None:
        self.repairs[repair] = None


_HANDLERS: Mapping[str, Callable[[Fitter, Shape, Raw, str], Any]] = {
    "object": Fitter._object, "map": Fitter._map, "list": Fitter._list, "tuple": Fitter._tuple, "text": Fitter._text,
    "whole": Fitter._number, "number": Fitter._number, "truth": Fitter._truth, "null": Fitter._null,
    "choice": Fitter._choice, "union": Fitter._union, "any": Fitter._any,
}  # fmt: skip


def _spelt(choice: Any) -> str:
    return choice if isinstance(choice, str) else json.dumps(choice)


def _signed(text: str) -> str:
    """What `folded` leaves out and that makes another choice: C, C++ and C#; -1 and 1; A and A+; 1.5 and 15."""
    return "".join(re.findall(r"[+#%<>=&@!?]|(?<![\w])-(?=\d)|(?<=\d)[.,](?=\d)|[+*-]+$", text.strip(" .!?*`\"'_-")))
