"""What a user of LiteLLM writes: `python litellm_sdk.py URL`; it prints what came of it as JSON."""

import json
import sys

import litellm

where = {"model": "openai/atomic/auto", "api_base": f"{sys.argv[1]}/v1", "api_key": "none"}
asked = [{"role": "user", "content": "A tale!"}]
parameters = {"type": "object", "properties": {"city": {"type": "string"}}}
tools = [{"type": "function", "function": {"name": "weather", "parameters": parameters}}]
whole = litellm.completion(messages=asked, **where)
pieces = [one.choices[0].delta.content or "" for one in litellm.completion(messages=asked, stream=True, **where)]
called = litellm.completion(messages=asked, tools=tools, **where).choices[0].message.tool_calls[0].function
claude = litellm.completion(
    messages=asked, max_tokens=99, model="anthropic/atomic/auto", api_base=sys.argv[1], api_key="none"
)
print(
    json.dumps(
        {
            "whole": whole.choices[0].message.content,
            "pieces": pieces,
            "called": [called.name, called.arguments],
            "as_anthropic": claude.choices[0].message.content,
        }
    )
)
