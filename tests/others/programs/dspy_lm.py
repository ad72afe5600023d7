"""What a user of DSPy writes: `python dspy_lm.py URL`; it prints what came of it as JSON."""

import json
import sys

import dspy

lm = dspy.LM("openai/atomic/auto", api_base=f"{sys.argv[1]}/v1", api_key="none", cache=False)
dspy.configure(lm=lm)
answered = dspy.Predict("question -> answer")(question="A tale!").answer
thought = dspy.ChainOfThought("question -> answer")(question="A tale!")
print(json.dumps({"predict": answered, "thought": [thought.reasoning, thought.answer]}))
