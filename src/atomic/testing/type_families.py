"""Models of the corpus of types that name themselves or each other, and unions with a tag."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, Field


class Tree(BaseModel):
    """A tree of names."""

    name: str = Field(max_length=20)
    children: list[Tree] = []


class Linked(BaseModel):
    """A chain of numbers."""

    value: int
    next: Linked | None = None


class Folder(BaseModel):
    """Folders hold files and folders."""

    name: str = Field(max_length=20)
    entries: list[Folder | File] = []


class File(BaseModel):
    """A file and its size in bytes."""

    name: str = Field(max_length=20)
    size: int = Field(ge=0)


class Even(BaseModel):
    """Models that name each other."""

    odd: Odd | None = None


class Odd(BaseModel):
    """The other one."""

    even: Even | None = None


class Number(BaseModel):
    """A leaf of a sum."""

    kind: Literal["number"]
    value: float


class Sum(BaseModel):
    """Two parts that are added."""

    kind: Literal["sum"]
    left: Expression
    right: Expression


Expression: TypeAlias = Annotated[Number | Sum, Field(discriminator="kind")]


class Cat(BaseModel):
    """A cat."""

    kind: Literal["cat"]
    lives: int = Field(ge=1, le=9)


class Dog(BaseModel):
    """A dog."""

    kind: Literal["dog"]
    breed: str = Field(max_length=30)


class Bird(BaseModel):
    """A bird."""

    kind: Literal["bird", "parrot"]
    speaks: bool


Animal: TypeAlias = Annotated[Cat | Dog | Bird, Field(discriminator="kind")]


class Zoo(BaseModel):
    """Animals of every kind."""

    animals: list[Animal] = Field(min_length=1, max_length=3)


class Owner(BaseModel):
    """Somebody with an animal or none."""

    name: str = Field(max_length=30)
    animal: Animal | None
