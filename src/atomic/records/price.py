"""Prices: what a bidder costs, as of a day and from a source, and the event by which they change."""

from __future__ import annotations

from dataclasses import dataclass

from atomic.records.attempt import Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """Nano-USD per million tokens, and `call` per call that is billed.

    `cached` is for input read from a cache and `cache_write` for input written to one, each as dear as other input
    where not given; `reasoning` is for tokens of the output that are thought and not said, as dear as other output.

    >>> from atomic.records.money import dollars, nano_usd
    >>> price = Price(input=nano_usd("$3"), output=nano_usd("$15"), cached=nano_usd("$0.3"))
    >>> dollars(price.of(Usage(prompt_tokens=1_000, completion_tokens=100)))
    '$0.0045'
    >>> dollars(price.of(Usage(prompt_tokens=1_000, cached_tokens=1_000, completion_tokens=100)))
    '$0.0018'
    """

    input: int
    output: int
    cached: int | None = None
    cache_write: int | None = None
    reasoning: int | None = None
    call: int = 0

    def of(self, usage: Usage) -> int:
        """What it costs, in nano-USD, rounded up."""
        cached = self.input if self.cached is None else self.cached
        written = self.input if self.cache_write is None else self.cache_write
        thought = self.output if self.reasoning is None else self.reasoning
        fresh = max(0, usage.prompt_tokens - usage.cached_tokens - usage.cache_write_tokens)
        said = max(0, usage.completion_tokens - usage.reasoning_tokens)
        total = fresh * self.input + usage.cached_tokens * cached + usage.cache_write_tokens * written
        total += said * self.output + min(usage.reasoning_tokens, usage.completion_tokens) * thought
        return self.call - (-total // 1_000_000)

    def most(self, prompt_tokens: int, completion_tokens: int) -> int:
        """The most that a call with so many tokens can cost, whatever of them is cached or thought; nano-USD.

        >>> Price(input=1_000_000, output=0, cache_write=2_000_000, call=5).most(10, 0)
        25
        """
        dearest = max(self.input, self.cached or 0, self.cache_write or 0)
        dear = max(self.output, self.reasoning or 0)
        return self.call - (-(prompt_tokens * dearest + completion_tokens * dear) // 1_000_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class BookPrice:
    """A bidder's whole price as the price book has it: nano-USD, None for what it is not priced by.

    Of tokens: `input`, `output` and, where they differ from these, `cached`, `cache_write` and `reasoning`, per
    million. `call` is per call or answer, `hour` per hour of a machine of ours. `as_of` is the UTC date on which
    somebody looked it up, `source` where.
    """

    bidder: str
    as_of: str
    source: str
    input: int | None = None
    output: int | None = None
    cached: int | None = None
    cache_write: int | None = None
    reasoning: int | None = None
    call: int | None = None
    hour: int | None = None

    @property
    def amounts(self) -> dict[str, int]:
        """What it is priced by, each with its amount in nano-USD.

        >>> BookPrice(bidder="desk", as_of="2026-11-01", source="agreed", call=5).amounts
        {'call': 5}
        """
        named = ((name, getattr(self, name)) for name in UNITS)
        return {name: amount for name, amount in named if amount is not None}

    @property
    def of_tokens(self) -> Price | None:
        """The price of a language model; None where it is not priced by tokens."""
        if self.input is None or self.output is None:
            return None
        return Price(
            input=self.input,
            output=self.output,
            cached=self.cached,
            cache_write=self.cache_write,
            reasoning=self.reasoning,
            call=self.call or 0,
        )


UNITS = {
    "input": "per M tokens",
    "output": "per M tokens",
    "cached": "per M tokens",
    "cache_write": "per M tokens",
    "reasoning": "per M tokens",
    "call": "per call",
    "hour": "per hour",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PricesChanged:
    """From here on these bidders cost this; what was offered before is billed as it was offered."""

    prices: tuple[BookPrice, ...]
