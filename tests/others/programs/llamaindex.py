"""What a user of LlamaIndex writes: `python llamaindex.py URL`; it prints what came of it as JSON."""

import asyncio
import json
import sys

from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.llms import ChatMessage
from llama_index.core.prompts import PromptTemplate
from llama_index.llms.openai_like import OpenAILike
from pydantic import BaseModel

llm = OpenAILike(
    model="atomic/auto",
    api_base=f"{sys.argv[1]}/v1",
    api_key="none",
    is_chat_model=True,
    is_function_calling_model=True,
)


class Place(BaseModel):
    """A place, and whether it is warm there."""

    city: str
    warm: bool


def weather(city: str) -> str:
    """How warm it is in a city."""
    return f"warm in {city}"


async def agent() -> str:
    """An agent with a tool."""
    return str(await FunctionAgent(tools=[weather], llm=llm).run("How warm is it?"))


question = [ChatMessage(role="user", content="A tale!")]
print(
    json.dumps(
        {
            "complete": llm.complete("A tale!").text,
            "chat": llm.chat(question).message.content,
            "stream": [one.delta for one in llm.stream_chat(question) if one.delta],
            "structured": llm.structured_predict(Place, PromptTemplate("Where?")).model_dump(),
            "agent": asyncio.run(agent()),
        }
    )
)
