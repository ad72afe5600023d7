"""The market in LangChain: a chat model, a microtask as a runnable, and a microtask as a tool. Needs langchain-core.

A program that only wants its chat answered needs none of this: `ChatOpenAI(base_url=…)` speaks to `atomic serve`. Here
it gets more: typed answers, how probably they are right and what they cost, ids to explain and to give feedback on,
without a server.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

import orjson
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, convert_to_openai_messages
from langchain_core.messages.ai import UsageMetadata
from langchain_core.messages.tool import invalid_tool_call, tool_call, tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable, RunnableConfig, RunnableLambda
from langchain_core.tools import BaseTool, StructuredTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import Field

from atomic.blocking import SyncMarket
from atomic.errors import CallerError
from atomic.integrations.talking import Refused, options, spoken, talk, told
from atomic.market import Market
from atomic.outcome import Outcome
from atomic.records.attempt import Usage
from atomic.records.conversation import Conversation, Piece, Spoken, ToolCall
from atomic.records.microtask import Call, Microtask
from atomic.trade import Trade


class ChatAtomic(BaseChatModel):
    """A chat model whose every answer is bought: `ChatAtomic(market=market, worth="$0.01")`.

    Calls are requests of a microtask `task`; `bidder` lets one bidder alone answer. `response_metadata["atomic"]` of a
    message says who answered, how probably rightly, for what, and the request's id. With a market of `atomic.open_sync`
    it is invoked, with one of `atomic.open` it is awaited. Raises Refused when the market would not answer.
    """

    market: Any = Field(repr=False)
    task: str = "langchain"
    worth: str = "$0.01"
    max_price: str = ""
    bidder: str = ""
    trade: Trade = Trade()
    stop: list[str] | None = None
    settings: dict[str, Any] = Field(default_factory=dict)

    @property
    def _llm_type(self) -> str:
        return "atomic"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"task": self.task, "worth": self.worth, "bidder": self.bidder}

    def bind_tools(
        self, tools: Sequence[Any], *, tool_choice: str | None = None, **settings: Any
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """The same model with tools, in any form that LangChain knows."""
        given = [convert_to_openai_tool(one) for one in tools]
        if tool_choice is not None:
            settings["tool_choice"] = _choice(tool_choice, given)
        return self.bind(tools=given, **settings)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **settings: Any,
    ) -> ChatResult:
        if not isinstance(self.market, SyncMarket):
            raise CallerError("this market is async, and the model was invoked", hint="ainvoke it, or use open_sync")
        call, trade = self._asked(messages, stop, settings)
        return self._result(self.market.buy(call, trade))

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **settings: Any,
    ) -> ChatResult:
        call, trade = self._asked(messages, stop, settings)
        return self._result(await _bought(self.market, call, trade))

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **settings: Any,
    ) -> Iterator[ChatGenerationChunk]:
        yield _last(self._generate(messages, stop, run_manager, **settings).generations[0].message)

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **settings: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        if not isinstance(self.market, Market):
            yield _last((await self._agenerate(messages, stop, run_manager, **settings)).generations[0].message)
            return
        async with self.market.stream(*self._asked(messages, stop, settings)) as stream:
            async for piece in stream.pieces():
                chunk = ChatGenerationChunk(message=_piece(piece))
                if run_manager is not None:
                    await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
                yield chunk
        message = self._message(stream.outcome)
        message.content, message.tool_calls = "", []
        yield _last(message)

    def _asked(
        self, messages: list[BaseMessage], stop: list[str] | None, settings: dict[str, Any]
    ) -> tuple[Call[Spoken], Trade]:
        stop = stop or self.stop
        body = {**self.settings, **({"stop": stop} if stop else {}), **settings}
        body.pop("ls_structured_output_format", None)
        task = talk(self.task, self.worth, self.max_price)
        said = convert_to_openai_messages(messages)
        call = task(Conversation.of({"messages": said, **body}))
        return call, options(task, self.bidder, self.trade)

    def _result(self, outcome: Outcome[Spoken]) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=self._message(outcome))])

    def _message(self, outcome: Outcome[Spoken]) -> AIMessage:
        answer = spoken(outcome)
        calls = [_called(one) for one in answer.calls]
        return AIMessage(
            content=answer.text,
            tool_calls=[one for one in calls if one["type"] == "tool_call"],
            invalid_tool_calls=[one for one in calls if one["type"] != "tool_call"],
            usage_metadata=_used(outcome.usage),
            response_metadata={
                "model_name": outcome.winner.partition("+")[0],
                "finish_reason": "tool_calls" if calls else answer.ended,
                "atomic": told(outcome),
            },
            id=outcome.id,
        )


def runnable(
    market: Market | SyncMarket, task: Microtask[..., Any], trade: Trade | None = None
) -> RunnableLambda[Any, Any]:
    """A microtask as a runnable: from its input (one argument, or a mapping of several) to its outcome.

    An outcome has the typed answer, its probability, cost and id; a refusal is one, too, and raises nothing.
    """

    async def awaited(given: Any) -> Outcome[Any]:
        return await _bought(market, _call(task, given), trade or Trade())

    def invoked(given: Any) -> Outcome[Any]:
        if not isinstance(market, SyncMarket):
            raise CallerError("this market is async, and the runnable was invoked", hint="ainvoke it, or use open_sync")
        return market.buy(_call(task, given), trade or Trade())

    return RunnableLambda(invoked, afunc=awaited, name=task.name)


def tool(market: Market | SyncMarket, task: Microtask[..., Any], trade: Trade | None = None) -> BaseTool:
    """A microtask as a tool for an agent: its arguments are the input's fields, its content the answer as JSON.

    The outcome is the tool message's artifact. A refusal is told in words, for the agent to go on from.
    """
    steps = runnable(market, task, trade)

    def ended(outcome: Outcome[Any]) -> tuple[str, Outcome[Any]]:
        if outcome.refused:
            return f"refused: {outcome.why}", outcome
        answer = task.output.dump_python(outcome.answer, mode="json")
        return answer if isinstance(answer, str) else orjson.dumps(answer).decode(), outcome

    def invoked(config: RunnableConfig, **given: Any) -> tuple[str, Outcome[Any]]:
        return ended(steps.invoke(given, config))

    async def awaited(config: RunnableConfig, **given: Any) -> tuple[str, Outcome[Any]]:
        return ended(await steps.ainvoke(given, config))

    return StructuredTool.from_function(
        invoked,
        awaited,
        name=task.name,
        description=task.instruction,
        args_schema=task.input_model,
        response_format="content_and_artifact",
    )


async def _bought(market: Market | SyncMarket, call: Call[Any], trade: Trade) -> Outcome[Any]:
    if isinstance(market, Market):
        return await market.buy(call, trade)
    return await asyncio.to_thread(market.buy, call, trade)


def _call(task: Microtask[..., Any], given: Any) -> Call[Any]:
    names = set(task.signature.parameters)
    return task(**given) if isinstance(given, dict) and set(given) <= names else task(given)


def _piece(piece: Piece) -> AIMessageChunk:
    if isinstance(piece, str):
        return AIMessageChunk(content=piece)
    named = {"name": piece.name or None, "id": piece.id or None}
    return AIMessageChunk(
        content="", tool_call_chunks=[tool_call_chunk(**named, args=piece.arguments, index=piece.place)]
    )


def _last(message: BaseMessage) -> ChatGenerationChunk:
    """The end of a stream: what only the whole answer has."""
    assert isinstance(message, AIMessage)
    calls = [
        tool_call_chunk(name=one["name"], args=orjson.dumps(one["args"]).decode(), id=one["id"], index=index)
        for index, one in enumerate(message.tool_calls)
    ]
    chunk = AIMessageChunk(
        content=message.content,
        tool_call_chunks=calls,
        usage_metadata=message.usage_metadata,
        response_metadata=message.response_metadata,
        chunk_position="last",
    )
    return ChatGenerationChunk(message=chunk)


def _called(one: ToolCall) -> Any:
    try:
        arguments = orjson.loads(one.arguments or "{}")
    except ValueError:
        return invalid_tool_call(name=one.name, args=one.arguments, id=one.id, error="not JSON")
    return tool_call(name=one.name, args=arguments, id=one.id)


def _choice(said: str, tools: Sequence[dict[str, Any]]) -> Any:
    """What OpenAI's form calls a choice of tools."""
    if said == "any":
        return "required"
    named = any(one["function"]["name"] == said for one in tools)
    return {"type": "function", "function": {"name": said}} if named else said


def _used(used: Usage) -> UsageMetadata:
    return UsageMetadata(
        input_tokens=used.prompt_tokens,
        output_tokens=used.completion_tokens,
        total_tokens=used.prompt_tokens + used.completion_tokens,
    )


__all__ = ["ChatAtomic", "Refused", "runnable", "tool"]
