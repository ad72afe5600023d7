"""Bidders, tactics and engines of other packages, found by their entry points. They run in this process, as our own."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Annotated, Any, ClassVar, Literal, cast

from pydantic import Field

from atomic.config.values import BidderSettings
from atomic.errors import OperatorError
from atomic.protocols import Bidder, Constrainer, Parser, Tactic

Group = Literal["bidders", "tactics", "engines"]
_BIDDER = ("profile", "offer", "attempt", "close")
_TACTIC = ("name", "sketch", "plan")


class PluginSettings(BidderSettings):
    """A bidder of another package: `plugin` is its name among the entry points `atomic.bidders`, `options` what it is
    made with besides its own name.
    """

    priced: ClassVar[bool] = True  # for all that is known of it

    kind: Literal["plugin"]
    plugin: Annotated[str, Field(min_length=1)]
    options: dict[str, Any] = Field(default_factory=dict)


def offered(group: Group) -> list[str]:
    """The names that installed packages offer in a group, sorted."""
    return sorted({one.name for one in entry_points(group=f"atomic.{group}")})


def plugged_bidder(name: str, settings: PluginSettings) -> Bidder:
    """A bidder, by a function of its name and options. Raises OperatorError: not installed, does not load, is none."""
    make = _loaded("bidders", settings.plugin)
    try:
        made = make(name, **settings.options)
    except OperatorError:
        raise
    except Exception as error:  # foreign code; what it quotes may be a secret among its options
        raise _wrong("bidders", settings.plugin, f"raised {type(error).__name__} when it was made") from error
    _has("bidders", settings.plugin, made, _BIDDER)
    if made.profile.name != name:
        raise _wrong("bidders", settings.plugin, f"made a bidder of another name, {made.profile.name!r}")
    return cast("Bidder", made)


def plugged_tactic(name: str) -> Tactic:
    """A tactic, by a function without arguments, whose name is the entry point's. Raises OperatorError."""
    made = _made("tactics", name)
    _has("tactics", name, made, _TACTIC)
    if made.name != name:
        raise _wrong("tactics", name, f"made a tactic of another name, {made.name!r}")
    return cast("Tactic", made)


def plugged_parser(name: str) -> Parser:
    """An engine that reads free text. Raises OperatorError."""
    made = _made("engines", name)
    _has("engines", name, made, ("parse",))
    return cast("Parser", made)


def plugged_constrainer(name: str) -> Constrainer:
    """An engine that holds a local model to a type. Raises OperatorError."""
    made = _made("engines", name)
    _has("engines", name, made, ("constraint", "answer"))
    return cast("Constrainer", made)


def _made(group: Group, name: str) -> Any:
    make = _loaded(group, name)
    try:
        return make()
    except Exception as error:  # foreign code
        raise _wrong(group, name, f"raised {type(error).__name__} when it was made") from error


def _loaded(group: Group, name: str) -> Any:
    found = list(entry_points(group=f"atomic.{group}", name=name))
    if not found:
        known = offered(group)
        there = f"installed: {', '.join(known)}" if known else f"no installed package offers any of atomic.{group}"
        raise OperatorError(f"there is no plug-in {name!r} among atomic.{group}", hint=there)
    if len({one.value for one in found}) > 1:
        packages = ", ".join(sorted(one.dist.name for one in found if one.dist is not None))
        raise _wrong(group, name, f"is offered by several packages: {packages}")
    try:
        return found[0].load()
    except Exception as error:  # foreign code
        raise _wrong(group, name, f"cannot be loaded: {type(error).__name__}") from error


def _has(group: Group, name: str, made: object, members: tuple[str, ...]) -> None:
    missing = [one for one in members if not hasattr(made, one)]
    if missing:
        raise _wrong(group, name, f"made a {type(made).__name__} without {', '.join(missing)}")


def _wrong(group: Group, name: str, what: str) -> OperatorError:
    return OperatorError(f"the plug-in {name!r} of atomic.{group} {what}", hint="docs/plugins.md says what it must be")
