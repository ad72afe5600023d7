"""What `atomic.toml` may say of programs of other libraries that bid, and how they are made."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from atomic.config.values import BidderSettings, Names, Probability
from atomic.errors import ConfigError
from atomic.protocols import Bidder


class DspySettings(BidderSettings):
    """A DSPy program. `program` is "module:name" of a module, a class of one or a signature; `through` names the bidder
    above it whose model it asks, and which is billed.

    `calls` is how often it asks at most, `prompt` how many characters a prompt has at most, `max_tokens` an answer of
    its model. `answer` names the output field that is the answer, `state` a file of a compiled program.
    """

    priced: ClassVar[bool] = True

    kind: Literal["dspy"]
    program: Annotated[str, Field(pattern=r"^[\w.]+:\w+$")]
    through: str
    calls: Annotated[int, Field(ge=1, le=100)] = 1
    prompt: Annotated[int, Field(ge=100)] = 20_000
    max_tokens: Annotated[int, Field(ge=1)] = 1_000
    answer: str = ""
    state: str = ""
    tasks: Names = ()
    right: Probability = 0.5
    concurrency: Annotated[int, Field(ge=1)] = 8


def dspy_program(name: str, settings: DspySettings, folder: Path, others: Mapping[str, Bidder]) -> Bidder:
    """A DSPy program, imported when it is warmed or first asked. Raises ConfigError."""
    from atomic.bidders.dspy_program import DspyProgram, ProgramOptions

    through = others.get(settings.through)
    if through is None or not through.profile.speaks:
        hint = "the name of a model's table (http, anthropic, local) that stands above it"
        raise ConfigError(f"bidders.{name}.through: {settings.through!r} is no model", hint=hint)
    said = settings.model_dump(exclude={"kind", "program", "through"})
    said["state"] = str(folder / Path(settings.state).expanduser()) if settings.state else ""
    return DspyProgram(name, settings.program, through, options=ProgramOptions(**said), close=False)
