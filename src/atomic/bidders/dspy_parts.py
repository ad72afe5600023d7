"""DSPy's own parts: an engine beneath its LM, a strict adapter, a signature of a task. Imports DSPy: only when used."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, cast

import dspy
from dspy.adapters.chat_adapter import ChatAdapter
from dspy.lm15 import Message as Turn
from dspy.lm15 import Request, Response, TextPart
from dspy.lm15 import Usage as Tokens
from dspy.utils.exceptions import AdapterParseError, LMUnsupportedFeatureError

from atomic.output import Refusal, typed
from atomic.records.attempt import Message, Usage
from atomic.records.microtask import Microtask, microtask

ANSWER = "answer"  # the output field of a signature that is made of a task


@dataclass(frozen=True, slots=True)
class Said:
    """What came of a request of DSPy's: a text, whether the caller's own limit ended it, and what it took."""

    text: str
    request_id: str = ""
    limited: bool = False
    usage: Usage = field(default_factory=Usage)
    told: dict[str, Any] | None = None  # what else is to be known of it: who answered, for what price


class Engine:
    """`dspy.LM(…, engine=Engine(say))`: DSPy asks, `say` answers; DSPy keeps no connection, no price and no retry."""

    def __init__(self, say: Callable[[Request], Said]) -> None:
        self._say = say

    def complete(self, request: Request) -> Response:
        """One answer; what `say` raises reaches the program."""
        return response_of(request, self._say(request))


class AsyncEngine:
    """The same for `dspy.LM(…, async_engine=AsyncEngine(say))`."""

    def __init__(self, say: Callable[[Request], Awaitable[Said]]) -> None:
        self._say = say

    async def complete(self, request: Request) -> Response:
        """One answer."""
        return response_of(request, await self._say(request))


def lm_of(name: str, engine: Engine, async_engine: AsyncEngine | None = None, **settings: Any) -> Any:
    """A `dspy.LM` without DSPy's cache, which would hide what answers cost, and without its retries."""
    return dspy.LM(f"atomic/{name}", engine=engine, async_engine=async_engine, cache=False, num_retries=0, **settings)


def turns_of(request: Request) -> tuple[Message, ...]:
    """A request's messages. Raises LMUnsupportedFeatureError for what is no text: images, tools of the provider's."""
    if request.tools:
        raise LMUnsupportedFeatureError("Atomic's engine takes texts: tools go into the prompt, as dspy.ReAct has them")
    turns = [Message(role="system", content=text)] if (text := _text(request.system)) else []
    for one in request.messages:
        role = "system" if one.role == "developer" else one.role
        if role not in ("system", "user", "assistant"):
            raise LMUnsupportedFeatureError(f"Atomic's engine takes texts, and no message of role {one.role!r}")
        turns.append(Message(role=cast(Any, role), content=_text(one.parts)))
    return tuple(turns)


def _text(parts: object) -> str:
    if parts is None or isinstance(parts, str):
        return parts or ""
    assert isinstance(parts, tuple | list)
    if not all(isinstance(one, TextPart) for one in parts):
        raise LMUnsupportedFeatureError("Atomic's engine takes texts, and no images or documents")
    return "\n".join(one.text for one in parts)


def response_of(request: Request, said: Said) -> Response:
    """What DSPy is handed: the text, why it ended, tokens; under `provider_data` how the market came by it."""
    used = said.usage
    return Response(
        id=said.request_id or None,
        model=request.model,
        message=Turn.assistant([TextPart(said.text)]),
        finish_reason="length" if said.limited else "stop",
        usage=Tokens(
            input_tokens=used.prompt_tokens,
            output_tokens=used.completion_tokens,
            total_tokens=used.prompt_tokens + used.completion_tokens,
            cache_read_tokens=used.cached_tokens,
            reasoning_tokens=used.reasoning_tokens,
        ),
        provider_data=said.told,
    )


class StrictAdapter(ChatAdapter):  # type: ignore[misc] # DSPy ships no types
    """DSPy's chat form without what it does silently: no second paid call when a parse fails, and no repair of JSON.

    Values are read as any answer is: a label whatever its case and company, JSON between sentences, validated strictly.
    """

    def __init__(self) -> None:
        super().__init__(use_json_adapter_fallback=False)

    def parse(self, signature: type[dspy.Signature], completion: str) -> dict[str, Any]:
        """The output fields. Raises AdapterParseError."""
        plain = signature
        for name in signature.output_fields:
            plain = plain.with_updated_fields(name, type_=str)
        texts = super().parse(plain, completion)
        return {name: self._read(signature, name, text, completion) for name, text in texts.items()}

    def _read(self, signature: type[dspy.Signature], name: str, text: object, completion: str) -> Any:
        if not isinstance(text, str):
            return text  # a field's own default
        found = typed(_reader(signature.output_fields[name].annotation), text)
        if isinstance(found, Refusal):
            raise AdapterParseError("StrictAdapter", signature, completion, f"{name}: {found.reason.words}")
        return found


@lru_cache(maxsize=256)
def _reader(annotation: Any) -> Microtask[..., Any]:
    async def field(text: str) -> Any:
        """A field of an answer."""
        raise NotImplementedError

    field.__annotations__ = {"text": str, "return": annotation}
    return microtask(worth=1)(field)


def signature_of(task: Microtask[..., Any]) -> type[dspy.Signature]:
    """A task as DSPy's signature: its arguments, its instruction, and one output field of its type, `answer`."""
    fields: dict[str, Any] = {
        name: (one.annotation, dspy.InputField()) for name, one in task.input_model.model_fields.items()
    }
    fields[ANSWER] = (task.output_type, dspy.OutputField())
    return cast("type[dspy.Signature]", dspy.Signature(fields, task.instruction))


def module_of(program: Any, task: Microtask[..., Any]) -> tuple[Any, bool]:
    """A module that answers a task, and whether its signature was made of it.

    `program` is a module, a class of one (made without arguments, or with the task's signature), or a signature.
    """
    if isinstance(program, dspy.Module):
        return program, False
    if isinstance(program, str) or (isinstance(program, type) and issubclass(program, dspy.Signature)):
        return dspy.Predict(program), False
    if isinstance(program, type) and issubclass(program, dspy.Module):
        try:
            return program(), False
        except TypeError:
            return program(signature_of(task)), True
    raise TypeError("neither a module nor a signature of DSPy's")
