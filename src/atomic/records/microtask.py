"""Microtasks: typed functions whose body is "somebody answers this"."""

from __future__ import annotations

import enum
import hashlib
import inspect
import math
import typing
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, ParamSpec, TypeVar, get_args, get_origin

from pydantic import BaseModel, ConfigDict, PydanticUserError, TypeAdapter, ValidationError, create_model

from atomic.errors import TaskError
from atomic.records.budget import Budget
from atomic.records.canonical import canonical_json
from atomic.records.conversation import Conversation, Piece, Spoken
from atomic.records.money import nano_usd
from atomic.records.objective import ceiling, objective, with_terms
from atomic.records.request import LABELS, DataLabel, Features, Terms
from atomic.records.validator import Validator
from atomic.records.wording import Wording

_LONGEST_SECONDS = 366 * 24 * 3600.0
P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """A microtask with its input bound, ready to be bought. `text` is what a reader would see of the input."""

    task: Microtask[..., T]
    arguments: Mapping[str, Any]
    input_json: bytes
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Microtask(Generic[P, T]):
    """A named, typed unit of work. Call it with its input to get a `Call`; `market.run` does that for you.

    `wording` is what it brings along of how it is asked.
    """

    name: str
    instruction: str
    domain: str
    terms: Terms
    label: DataLabel
    version: str
    labels: tuple[str, ...]  # the possible answers in canonical spelling, where they are few; else empty
    step: float  # numbers closer than this are one answer
    signature: inspect.Signature = field(repr=False)
    input_model: type[BaseModel] = field(repr=False)
    output: TypeAdapter[T] = field(repr=False)
    output_type: Any = field(repr=False)
    validators: tuple[Validator, ...] = field(default=(), repr=False)
    wording: Wording | None = field(default=None, repr=False)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Call[T]:
        """Bind and check an input. Raises TaskError when it does not fit the signature."""
        try:
            bound = self._bound(*args, **kwargs)
            checked = self.input_model.model_validate(bound)
        except TypeError as error:
            raise TaskError(f"{self.name}: the input does not fit: {error}") from error
        except ValidationError as error:
            # Without the values: an error is logged, and an input may be confidential. So its chain ends here, too.
            raise TaskError(f"{self.name}: the input does not fit: {_faults(error)}") from None
        try:
            shown = checked.model_dump(mode="json")
            # As checked: bidders that read arguments and bidders that read JSON see one input.
            arguments = {name: getattr(checked, name) for name in bound}
            talk = conversation_in(arguments)
            return Call(self, arguments, canonical_json(shown), _as_text(shown) if talk is None else talk.text)
        except ValueError as error:
            raise TaskError(f"{self.name}: the input cannot be written as JSON: {error}") from error

    def _bound(self, *args: P.args, **kwargs: P.kwargs) -> dict[str, Any]:
        if len(args) == 1 and not kwargs and len(self.signature.parameters) == 1:
            (only,) = self.signature.parameters.values()
            if only.kind is not only.KEYWORD_ONLY:
                return {only.name: args[0]}  # as nearly all are, and to bind it costs more than to check it
        bound = self.signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return dict(bound.arguments)

    @property
    def form(self) -> Mapping[str, Any]:
        """The JSON schema of what is written for an answer: its wording's, else its type's."""
        return self.output.json_schema() if self.wording is None else self.wording.schema

    @property
    def alternatives(self) -> int:
        """How many answers are possible; 0 when there is no bound."""
        return len(self.labels)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What a bidder sees of a request.

    `hear`, where it is there, wants each piece of the answer as it comes, of its text and of the tools that it calls:
    somebody reads along, and what was said cannot be taken back. A bidder whose answer comes at once need not call it.
    """

    request_id: str
    task: Microtask[..., Any]
    arguments: Mapping[str, Any]
    input_json: bytes
    features: Features
    tenant: str = ""
    label: DataLabel = "internal"
    domain: str = ""  # the request's own, else the task's
    time_left_ns: int = 60_000_000_000
    hear: Callable[[Piece], None] | None = field(default=None, compare=False, repr=False)

    @property
    def conversation(self) -> Conversation | None:
        """The conversation that the task passes through, if it does."""
        return conversation_in(self.arguments) if self.task.output_type is Spoken else None


def conversation_in(arguments: Mapping[str, Any]) -> Conversation | None:
    """The conversation among a call's arguments, if there is one."""
    return next((one for one in arguments.values() if isinstance(one, Conversation)), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """An input whose answer is known: verified by somebody, or settled by the market (`source` "market").

    `answer` is the answer as JSON would hold it; `probability` that it is right (1 when a person said so).
    """

    request_id: str
    task: str
    task_version: str
    input_json: bytes
    text: str
    answer: Any
    probability: float
    source: str
    tenant: str = ""
    label: DataLabel = "internal"
    jurisdictions: tuple[str, ...] = ()  # where its input may be seen; empty: anywhere
    subjects: tuple[str, ...] = ()  # whose data its input is
    time_ns: int = 0


def microtask(
    *,
    worth: str | float | None = None,
    target: float | None = None,
    budget: str | Budget | None = None,
    domain: str = "",
    max_price: str | float | None = None,
    latency_price: str | float = 0,
    deadline: float = 60.0,
    refuse_below: float = 0.0,
    explore: bool = True,
    label: DataLabel = "internal",
    step: float = 1e-9,
    validators: Sequence[Validator] = (),
) -> Callable[[Callable[P, Awaitable[T]]], Microtask[P, T]]:
    """Declare a microtask from an async function: its signature is the type, its docstring the instruction.

    One of three says what is wanted: `worth`, what a right answer is worth, in dollars; `target`, how probably answers
    are to be right on average, at the least cost; or `budget`, such as "$2/1k" (for 1,000 requests) or "$20/day".
    `validators` look at every answer; what they find is evidence. `max_price` is a ceiling on a request's spending
    (default: its worth, under a budget the whole of it, under a target $1); `latency_price` what a second of waiting
    costs; `deadline` is in seconds.

    Raises TaskError when an annotation or the docstring is missing, a type has no JSON, or a term makes no sense.

    >>> @microtask(worth="$0.002")
    ... async def sentiment(text: str) -> Literal["good", "bad"]:
    ...     \"\"\"Is this text friendly?\"\"\"
    >>> sentiment.labels, sentiment("Nice!").text
    (('good', 'bad'), 'Nice!')
    """

    if not (0.0 < deadline <= _LONGEST_SECONDS and 0.0 <= refuse_below <= 1.0):
        raise TaskError(
            f"deadline={deadline!r}, refuse_below={refuse_below!r}", hint="seconds above 0, and a probability in [0, 1]"
        )
    aim = objective(worth=worth, target=target, budget=budget)
    if label not in LABELS or not 0.0 <= step < math.inf:
        raise TaskError(f"label={label!r}, step={step!r}", hint=f"one of {', '.join(LABELS)}, and a number from 0 on")

    def declare(function: Callable[P, Awaitable[T]]) -> Microtask[P, T]:
        name = function.__name__
        instruction = inspect.getdoc(function)
        if not instruction:
            raise TaskError(f"{name} has no docstring", hint="its docstring is the instruction to whoever answers")
        signature = inspect.signature(function)
        several = [
            one.name for one in signature.parameters.values() if one.kind in (one.VAR_POSITIONAL, one.VAR_KEYWORD)
        ]
        if several:
            raise TaskError(f"{name}: *{several[0]} has no fixed type", hint="name every parameter, or take a list")
        try:
            hints = typing.get_type_hints(function, include_extras=True)
        except NameError as error:
            raise TaskError(
                f"{name}: {error}", hint="its types must be known where the module is read: define them at its top"
            ) from error
        missing = [one for one in (*signature.parameters, "return") if one not in hints]
        if missing:
            raise TaskError(f"{name}: no type for {', '.join(missing)}", hint="annotate every parameter and the result")
        fields: dict[str, Any] = {
            one.name: (hints[one.name], ... if one.default is inspect.Parameter.empty else one.default)
            for one in signature.parameters.values()
        }
        output_type = hints["return"]
        try:
            model = create_model(f"{name}_input", __config__=ConfigDict(arbitrary_types_allowed=False), **fields)
            output: TypeAdapter[T] = TypeAdapter(output_type)
            schema = [model.model_json_schema(), output.json_schema()]
        except (PydanticUserError, NameError, TypeError) as error:
            raise TaskError(
                f"{name}: a type that cannot be written as JSON: {str(error).splitlines()[0]}",
                hint="use pydantic models, dataclasses, Literal, enums, unions, lists and primitives",
            ) from error
        seen = _validated(name, signature, validators)
        digest = hashlib.sha256(canonical_json([name, instruction, *schema, *seen])).hexdigest()[:16]
        return Microtask(
            name=name,
            instruction=instruction,
            domain=domain,
            terms=Terms(
                **aim,
                latency_price=nano_usd(latency_price),
                max_price=ceiling(**aim) if max_price is None else nano_usd(max_price),
                deadline_ns=int(deadline * 1e9),
                refuse_below=refuse_below,
                explore=explore,
            ),
            label=label,
            version=digest,
            labels=_labels(output_type),
            step=step,
            signature=signature,
            input_model=model,
            output=output,
            output_type=output_type,
            validators=tuple(validators),
        )

    return declare


def _validated(name: str, signature: inspect.Signature, validators: Sequence[Validator]) -> list[str]:
    """The versions of validators. Raises TaskError for two of one name, or a judge who asks for what is not there."""
    names = [one.name for one in validators]
    if twice := [one for one in names if names.count(one) > 1]:
        raise TaskError(f"{name}: two validators are called {twice[0]!r}", hint="give each a name of its own")
    for one in validators:
        asked = one.judge.signature.parameters if one.judge is not None else ()
        if unknown := [each for each in asked if each != "answer" and each not in signature.parameters]:
            raise TaskError(f"{name}: its judge {one.name} asks for {unknown[0]!r}, which it does not take")
    return [one.version for one in validators]


def _faults(error: ValidationError) -> str:
    """Where an input does not fit, and what is expected there."""
    found = error.errors(include_url=False, include_input=False, include_context=False)
    return "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in found[:5])


def _labels(output_type: Any) -> tuple[str, ...]:
    """The answers of a closed type in the spelling that a reader uses; empty when there is no short list."""
    if output_type is bool:
        return ("yes", "no")
    if get_origin(output_type) is Literal:
        return tuple(str(one) for one in get_args(output_type))
    if isinstance(output_type, type) and issubclass(output_type, enum.Enum):
        return tuple(str(one.value) for one in output_type)
    return ()


def _as_text(shown: Mapping[str, Any]) -> str:
    """An input as a reader would see it: bare when it is one string, else a line per field."""
    if len(shown) == 1:
        (only,) = shown.values()
        if isinstance(only, str):
            return only
        if isinstance(only, Mapping):
            return _as_text(only)
    return "\n".join(f"{name}: {_one_line(value)}" for name, value in shown.items())


def _one_line(value: Any) -> str:
    return value if isinstance(value, str) else canonical_json(value).decode()


__all__ = ["Ask", "Call", "Example", "Microtask", "microtask", "with_terms"]
