"""What a user of CrewAI writes: `python crew.py URL`; it prints what came of it as JSON."""

import json
import sys

from crewai import LLM, Agent, Crew, Task
from crewai.tools import tool

llm = LLM(model="openai/atomic/auto", base_url=f"{sys.argv[1]}/v1", api_key="none")
asked: list[str] = []


@tool("weather")  # type: ignore[untyped-decorator, unused-ignore]
def weather(city: str) -> str:
    """How warm it is in a city."""
    asked.append(city)
    return f"warm in {city}"


teller = Agent(role="Teller", goal="Tell tales", backstory="You tell tales.", llm=llm)
able = Agent(role="Forecaster", goal="Tell the weather", backstory="You look.", llm=llm, tools=[weather])
tale = Task(description="Tell a tale.", expected_output="A tale.", agent=teller)
forecast = Task(description="How warm is it?", expected_output="The weather.", agent=able)
crew = Crew(agents=[teller, able], tasks=[tale, forecast])
found = crew.kickoff()
print(json.dumps({"call": llm.call("A tale!"), "tasks": [one.raw for one in found.tasks_output], "asked": asked}))
