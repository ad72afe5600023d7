"""Feedback and lessons: what somebody said of an outcome, and the evidence made of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Source = Literal["person", "fact", "validator", "judge", "agreement"]
PRECEDENCE: tuple[Source, ...] = ("person", "fact", "validator", "judge", "agreement")


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackGiven:
    """Somebody or something later said of an outcome how probably it was right, in [0, 1].

    When the right answer itself was given it is the body `truth`, and `value` says whether it was ours.
    """

    source: Source
    value: float
    author: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """Evidence for a belief.

    kind "right": target is how right `key` was; features is (claim,) where it made one. kind "answer": the same
    for the confidence it gave with its answer. kind "agree": target 1 where `key` ("a|b") agreed; features is
    (agreement expected of independent bidders,). kind "settle": target is how right the settled answer was;
    features is (number of answers, joint posterior before calibration).
    """

    kind: Literal["right", "answer", "agree", "settle"]
    key: str
    target: float
    weight: float
    features: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LessonsLearned:
    """Lessons drawn at once from one event (`cause`, a seq; 0: the event recorded just before in the same append)."""

    task: str
    domain: str
    source: Source
    cause: int
    alternatives: int
    lessons: tuple[Lesson, ...]
