"""What `atomic.toml` may say of what lies outside."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

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
