"""Functions of `.baml` files as microtasks: BAML renders their prompts and reads their answers; it sends nothing."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from pydantic import BaseModel, TypeAdapter

from atomic.belief.remembered import remembered
from atomic.engines.baml import library
from atomic.engines.baml_names import Names, forms, is_checked, module_of, names_of, twins_of
from atomic.engines.values import same
from atomic.errors import TaskError
from atomic.output import Refusal, as_json, plain_type
from atomic.records.attempt import Message
from atomic.records.bid import Reason
from atomic.records.microtask import Microtask
from atomic.records.wording import Wording

P = ParamSpec("P")
T = TypeVar("T")
RENDERED = 128  # prompts that are kept
_CLIENT = """client<llm> AtomicForms {
  provider openai-generic
  options {
    base_url "http://127.0.0.1:1"
    model "m"
  }
}
"""
_ANY: TypeAdapter[Any] = TypeAdapter(Any)
_FAILED = re.compile(r"Failed: (\w+)")


class BamlProject:
    """The functions in a folder of `.baml` files. They are read while running: what is changed there holds at once.

    Raises TaskError where there are none, or where BAML finds a fault in one; MissingExtra without the library.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.files = {str(one.relative_to(self.folder)): _text_of(one) for one in sorted(self.folder.rglob("*.baml"))}
        if not self.files:
            raise TaskError(f"there is no .baml file in {self.folder}")
        self._baml = library()
        self._runtime = self._made("")

    def asks(self, task: Microtask[P, T]) -> Microtask[P, T]:
        """The microtask of a function that has its name: asked with its prompt, read as its type, asserts included.

        Raises TaskError where there is no such function, or where its type here is not that of the files.
        """
        function = _Function(self._baml, self._made(forms(task.output_type, "AtomicForms")), task)
        wording = Wording(
            messages=function.messages,
            schema=function.schema,
            answer=function.answer,
            written=function.names.written,
            partial=None if plain_type(task) is str else function.partial,
        )
        version = hashlib.sha256(json.dumps([task.version, self.files]).encode()).hexdigest()[:16]
        labels = task.labels if function.names.plain(plain_type(task)) else ()
        return replace(task, wording=wording, version=version, labels=labels)

    def _made(self, more: str) -> Any:
        try:
            files = {**self.files, "atomic_forms.baml": _CLIENT + more}
            return self._baml.BamlRuntime.from_files(str(self.folder), files, {})
        except _fault() as error:
            raise TaskError(f"{self.folder}: {said_of(error)}") from None


class _Function:
    def __init__(self, baml: Any, runtime: Any, task: Microtask[..., Any]) -> None:
        self._baml = baml
        self._runtime = runtime
        self._context = runtime.create_context_manager()
        self._clients = baml.ClientRegistry()
        self._clients.set_primary("AtomicForms")
        self._task = task
        self._module = module_of(task.output_type)
        self._growing = twins_of(self._module)
        self._is_there()
        self.names: Names = names_of(task.output_type, self._shown, self._parsed)
        self.schema = self.names.schema(task.output.json_schema())
        self._rendered = remembered(RENDERED)(self._render)

    def messages(self, arguments: Mapping[str, Any]) -> tuple[Message, ...]:
        """The prompt for an input."""
        return self._rendered(json.dumps(_ANY.dump_python(dict(arguments), mode="json"), ensure_ascii=False))

    def answer(self, value: Any) -> Any:
        """What BAML makes of a value that was written; a Refusal where an assert fails, for the whole or a part."""
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        try:
            answer = self._parsed(self._task.name, text)
            shown = self.names.written(answer)
            as_json(self._task, answer)
        except ValueError as error:
            failed = _FAILED.findall(str(error))
            return Refusal(Reason.NOT_THE_TYPE, f"assert {failed[0]} fails" if failed else "BAML does not take it")
        except Exception as error:  # a class may be written by its author
            return Refusal(Reason.NOT_THE_TYPE, f"cannot be written as JSON: {type(error).__name__}")
        if not same(value, shown, nulls=True):
            return Refusal(Reason.NOT_THE_TYPE, "BAML drops a part of it, as where an assert fails")
        return answer

    def _is_there(self) -> None:
        try:
            self._request(self._task.name, {})
        except TaskError as error:  # without arguments most are refused, which is no matter
            if "not found" in error.message:
                raise TaskError(error.message, hint="`atomic import` writes the module anew") from None

    def _render(self, arguments: str) -> tuple[Message, ...]:
        body = self._request(self._task.name, json.loads(arguments))
        made = tuple(Message(role=one["role"], content=_text(one["content"])) for one in body["messages"])
        if any(one.role == "user" for one in made):
            return made
        # A prompt without roles is all of it the question, and chat templates want one.
        return tuple(replace(one, role="user") if one.role == "system" else one for one in made)

    def _shown(self, function: str) -> str:
        return "".join(_text(one["content"]) for one in self._request(function, {})["messages"])

    def _request(self, function: str, arguments: Mapping[str, Any]) -> Any:
        try:
            request = self._runtime.build_request_sync(
                function, dict(arguments), self._context, None, self._clients, {}, False
            )
        except _fault() as error:
            raise TaskError(f"{function}: {said_of(error)}") from None
        return request.body.json()

    def partial(self, text: str) -> Any:
        """What BAML makes of a text that still grows: models with every field optional; None while it is nothing."""
        try:
            return self._parsed(self._task.name, text, partial=True)
        except ValueError:
            return None

    def _parsed(self, function: str, text: str, *, partial: bool = False) -> Any:
        """Raises ValueError with all that BAML says."""
        module = self._module
        try:
            return self._runtime.parse_llm_response(
                function, text, module, module, self._growing, partial, self._context, None, None, {}
            )
        except BaseException as error:
            if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
                raise
            raise ValueError(str(error)) from None


def failed_checks(answer: Any) -> tuple[str, ...]:
    """The names of BAML's checks that do not hold of an answer."""
    found: dict[str, None] = {}
    waiting = [answer]
    while waiting:
        one = waiting.pop()
        if isinstance(one, BaseModel):
            if is_checked(type(one)):
                found |= {name: None for name, check in one.checks.items() if check.status != "succeeded"}  # type: ignore[attr-defined]
            waiting += [getattr(one, name) for name in type(one).model_fields if name != "checks"]
        elif isinstance(one, list | dict):
            waiting += one.values() if isinstance(one, dict) else one
    return tuple(found)


def said_of(error: BaseException) -> str:
    """What BAML says is wrong, and where, without its stack."""
    lines = str(error).partition("Stack backtrace")[0].strip().splitlines()
    where = next((one.strip().removeprefix("-->").strip() for one in lines if "-->" in one), "")
    first = lines[0].removeprefix("error: ") if lines else type(error).__name__
    return f"{where}: {first}" if where else first


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise TaskError(f"{file}: not UTF-8 from byte {error.start} on") from None
    except OSError as error:
        raise TaskError(f"{file} cannot be read: {error.strerror}") from None


def _fault() -> type[Exception]:
    from baml_py.baml_py import BamlError

    return BamlError


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    if any("text" not in one for one in content):
        raise TaskError("a prompt with pictures, sound or documents is not asked for")
    return "".join(one["text"] for one in content)
