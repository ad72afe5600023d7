"""Models, enums and unions of the corpus of types (see `atomic.testing.types`)."""

from __future__ import annotations

import datetime as dt
import enum
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Any, Generic, Literal, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

Item = TypeVar("Item")


class Colour(enum.Enum):
    """A colour, by its English name."""

    RED = "red"
    GREEN = "green"
    BLUE = "blue"


class Level(enum.IntEnum):
    """How urgent, from 1 (not at all) to 3."""

    LOW = 1
    MIDDLE = 2
    HIGH = 3


class Station(enum.StrEnum):
    """Names with letters of several scripts."""

    ZUERICH = "Zürich"
    LODZ = "Łódź"
    TOKYO = "東京"


class Empty(BaseModel):
    """Nothing."""


class Point(BaseModel):
    """A place on a plane."""

    x: int
    y: int


class Rated(BaseModel):
    """A thing and how good it is."""

    name: str = Field(max_length=40, description="What is rated")
    stars: int = Field(ge=1, le=5, description="1 is bad, 5 is good")


class Lacking(BaseModel):
    """Much may be missing."""

    name: str
    nick: str | None = None
    age: int | None = None


class Lists(BaseModel):
    """Several lists."""

    words: list[str]
    numbers: list[int] = Field(max_length=4)
    pairs: list[tuple[str, int]] = []


class Address(BaseModel):
    """Where somebody lives."""

    street: str = Field(max_length=40)
    town: str = Field(max_length=30)
    code: str = Field(pattern=r"^[0-9]{5}$")


class Person(BaseModel):
    """Somebody, with an address."""

    name: str = Field(min_length=1, max_length=40)
    address: Address
    born: dt.date | None = None


class Team(BaseModel):
    """People and who leads them."""

    lead: Person
    members: list[Person] = Field(max_length=2)


class Deep(BaseModel):
    """Five levels, each of one field."""

    class One(BaseModel):
        """The second."""

        class Two(BaseModel):
            """The third."""

            class Three(BaseModel):
                """The fourth."""

                value: bool

            three: Three

        two: Two

    one: One


class Aliased(BaseModel):
    """Names on paper that are none in Python."""

    model_config = ConfigDict(serialize_by_alias=True)

    from_: str = Field(alias="from", max_length=30)
    class_: int = Field(alias="class")


class Unicode(BaseModel):
    """Keys of several scripts."""

    größe: float = Field(ge=0, le=3)  # noqa: PLC2401
    имя: str = Field(max_length=20)  # noqa: PLC2401
    色: Literal["赤", "青"]  # noqa: PLC2401


class Quoted(BaseModel):
    """Keys with marks of JSON in them."""

    a: int = Field(alias='say "a"')
    b: int = Field(alias="back\\slash")
    c: int = Field(alias="with space")


class Closed(BaseModel):
    """No other keys."""

    model_config = ConfigDict(extra="forbid")

    a: int
    b: str = Field(max_length=10)


class Open(BaseModel):
    """Other keys, too."""

    model_config = ConfigDict(extra="allow")

    a: int


class Defaults(BaseModel):
    """All fields may be left out."""

    a: int = 1
    b: str = "b"
    c: list[int] = []


class Described(BaseModel):
    """An invoice's line."""

    article: Annotated[str, Field(max_length=40, description="What was bought")]
    count: Annotated[int, Field(gt=0, lt=1000, description="How many")]
    price: Annotated[Decimal, Field(ge=0, max_digits=8, decimal_places=2, description="In euros, each")]


class Invoice(BaseModel):
    """What is to be paid, and when."""

    number: str = Field(pattern=r"^[A-Z]{2}-[0-9]{4}$")
    issued: dt.date
    lines: list[Described] = Field(min_length=1, max_length=3)
    paid: bool


class Times(BaseModel):
    """All kinds of time."""

    day: dt.date
    hour: dt.time
    moment: dt.datetime
    lasts: dt.timedelta


class Box(BaseModel, Generic[Item]):
    """Something in a box."""

    content: Item
    label: str = Field(max_length=20)


class Mapped(BaseModel):
    """Dictionaries inside."""

    counts: dict[str, int]
    notes: dict[str, str] = Field(default={}, max_length=2)


class Anything(BaseModel):
    """One field of any type."""

    value: Any


class Nothing(BaseModel):
    """One field that is always null."""

    value: None


class Mixed(BaseModel):
    """Unions without a tag."""

    one: int | str
    two: bool | list[int] | None
    three: Point | Rated


class Labelled(BaseModel):
    """Enums and literals inside."""

    colour: Colour
    level: Level
    verdict: Literal["spam", "ham"]
    answer: Literal[1, 2, "both"]


@dataclass
class Plain:
    """A dataclass."""

    title: str
    tags: list[str] = field(default_factory=list)


class Typed(TypedDict):
    """A typed dictionary."""

    title: str
    year: int


class Partial(TypedDict, total=False):
    """A typed dictionary that may be empty."""

    title: str
    year: int


class Pair(NamedTuple):
    """A named tuple."""

    first: str
    second: int
