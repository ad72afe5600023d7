"""What `atomic.toml` may say of what lies outside."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from atomic.config.values import Amount, BidderSettings, Names, Probability, SecretSettings, Share, Table, Url
from atomic.records.request import DataLabel

Jurisdictions = Annotated[tuple[str, ...], Field(strict=False, min_length=1)]


class RemoteSettings(BidderSettings):
    """Somebody else's bidder, by the bidding protocol (docs/bidding-protocol.md).

    `key` is where our signing key lies and `public` is the bidder's public key, both 32 bytes in base64. `most` is the
    most that an answer may be paid; `bid_within` how many seconds a bid may take. `shows` is the highest data label
    whose input goes out with the request for a bid; without it only who wins sees the input.
    """

    priced: ClassVar[bool] = True

    kind: Literal["remote"]
    url: Url
    key: SecretSettings
    public: str
    most: Amount
    bid_within: Annotated[float, Field(gt=0.0, le=2.0, strict=False)] = 0.1
    shows: DataLabel | None = None
    tasks: Names = ()
    right: Probability = 0.5
    family: str = ""
    concurrency: Annotated[int, Field(ge=1)] = 8
    accepts: DataLabel = "internal"
    jurisdictions: Jurisdictions = ("unknown",)


class McpSettings(BidderSettings):
    """A tool of an MCP server, at a `url` or started by `command`; `tasks` are the microtasks that it answers.

    `arguments` says which of the tool's arguments is which field of the input, where they are not called the same.
    `price` is what a call costs, `seconds` how long it may take. `key` is sent as a bearer token.
    """

    priced: ClassVar[bool] = True

    kind: Literal["mcp"]
    tool: str
    tasks: Annotated[tuple[str, ...], Field(strict=False, min_length=1)]
    url: Url | None = None
    command: Annotated[tuple[str, ...], Field(strict=False, min_length=1)] | None = None
    arguments: dict[str, str] = Field(default_factory=dict)
    price: Amount = 0
    seconds: Annotated[float, Field(gt=0.0, le=3600.0, strict=False)] = 30.0
    key: SecretSettings | None = None
    right: Probability = 0.6
    concurrency: Annotated[int, Field(ge=1)] = 4
    accepts: DataLabel = "internal"
    jurisdictions: Jurisdictions = ("unknown",)

    @model_validator(mode="after")
    def _one_place(self) -> McpSettings:
        if (self.url is None) == (self.command is None):
            raise ValueError("url or command: one of them says where the tool is")
        return self


class ObserveSettings(Table):
    """`[observe]`: telemetry by OTLP over HTTP to `otlp`, a collector's base URL; nothing leaves without it.

    `traces`, `metrics` and `logs` say what; `sample` is the share of requests that are traced, and `content` whether
    inputs and answers of public requests are part of it. What else there is to say is said by OpenTelemetry's own
    environment variables (`OTEL_EXPORTER_OTLP_HEADERS`, `OTEL_RESOURCE_ATTRIBUTES`, …).
    """

    otlp: Url | None = None
    traces: bool = True
    metrics: bool = True
    logs: bool = True
    sample: Share = 1.0
    content: bool = False
    service: str = "atomic"
