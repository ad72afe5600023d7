"""What each role may do: every role × every action × every area, against a table that a person can read."""

from __future__ import annotations

from itertools import product
from typing import get_args

import pytest

from atomic.policies import AREAS, Action, Area, CedarPolicies
from atomic.records.principal import ROLES, Principal, Role

ACTIONS: tuple[Action, ...] = get_args(Action)
OPEN = {"requests", "bidders", "tasks", "budgets", "what-if"}
MAY: dict[str, set[tuple[str, str]]] = {
    "viewer": {("see", area) for area in OPEN},
    "operator": {(action, area) for action in ("see", "judge") for area in OPEN},
    "reviewer": {(action, area) for action in ("see", "judge", "review") for area in ("review", "inbox", "requests")},
    "auditor": {("see", area) for area in AREAS},
    "admin": set(product(ACTIONS, AREAS)),
    "bidder": {("see", "bidding")},
}
POLICIES = CedarPolicies.read()


def of(role: Role) -> Principal:
    return Principal(kind="Key", name="k", roles=(role,))


@pytest.mark.parametrize(("role", "action", "area"), list(product(ROLES, ACTIONS, AREAS)))
def test_a_role_may_do_what_its_row_says_and_nothing_else(role: Role, action: Action, area: Area) -> None:
    assert (POLICIES.entering(of(role), action, area) == "") is ((action, area) in MAY[role])


@pytest.mark.parametrize("role", ROLES)
def test_tasks_are_done_for_operators_and_administrators(role: Role) -> None:
    assert (POLICIES.running(of(role), "spam", "internal") == "") is (role in {"operator", "admin"})


@pytest.mark.parametrize(("action", "area"), list(product(ACTIONS, AREAS)))
def test_whoever_has_no_role_may_do_nothing(action: Action, area: Area) -> None:
    assert POLICIES.entering(Principal(kind="Person", name="eve"), action, area) != ""


def test_two_roles_may_do_what_either_may() -> None:
    both = Principal(kind="Person", name="ann", roles=("bidder", "viewer"))
    assert (POLICIES.entering(both, "see", "bidding"), POLICIES.entering(both, "see", "tasks")) == ("", "")
