"""Cedar policies: what is permitted, what is refused and in which words, and which policies are refused themselves."""

from __future__ import annotations

from pathlib import Path

import pytest

from atomic.errors import ConfigError
from atomic.policies import CedarPolicies
from atomic.protocols import Profile
from atomic.records.principal import Principal

ANN = Principal(kind="Person", name="ann", roles=("operator",), tenant="acme")
KEY = Principal(kind="Key", name="8f2c01", roles=("viewer",), tenant="other")
TEAM = Principal(kind="Key", name="7a", roles=("operator",), tenant="acme", team="mail")
BIG = Profile(name="big", kind="http", family="gpt", jurisdictions=("us", "eu"), accepts="internal")

OPERATORS_RUN = 'permit (principal in Role::"operator", action, resource);'


@pytest.mark.parametrize(
    ("policy", "who", "permitted"),
    [
        (OPERATORS_RUN, ANN, True),
        (OPERATORS_RUN, KEY, False),
        ('permit (principal in Tenant::"other", action == Action::"run", resource == Task::"spam");', KEY, True),
        ('permit (principal is Key, action == Action::"run", resource) when { context.level == 1 };', KEY, True),
        ('permit (principal, action == Action::"run", resource) when { context.level > 1 };', ANN, False),
        ('permit (principal, action == Action::"run", resource) when { resource.label == "internal" };', ANN, True),
        ('permit (principal in Team::"mail", action == Action::"run", resource);', TEAM, True),
        ('permit (principal in Team::"mail", action == Action::"run", resource);', ANN, False),
        ('permit (principal, action == Action::"run", resource) when { principal.team == "mail" };', TEAM, True),
        ('permit (principal, action, resource); forbid (principal is Key, action, resource);', KEY, False),
    ],
)  # fmt: skip
def test_a_task_is_run_for_whom_a_policy_permits(policy: str, who: Principal, permitted: bool) -> None:
    assert (CedarPolicies(policy).running(who, "spam", "internal") == "") is permitted


@pytest.mark.parametrize(
    ("condition", "permitted"),
    [
        ('resource.jurisdictions.contains("eu")', True),
        ('resource.jurisdictions == ["eu"]', False),
        ('resource.kind == "http" && resource.family == "gpt"', True),
        ('resource.accepts == "sovereign"', False),
        ('context.task == "spam" && context.tenant == "acme"', True),
        ('principal.tenant == context.tenant', True),
    ],
)  # fmt: skip
def test_an_answer_is_bought_from_whom_a_policy_permits(condition: str, permitted: bool) -> None:
    policies = CedarPolicies(f'permit (principal, action == Action::"buy", resource) when {{ {condition} }};')
    assert (policies.buying(ANN, "spam", "internal", BIG) == "") is permitted


def test_a_refusal_names_each_policy_that_forbids_and_its_reason() -> None:
    policies = CedarPolicies(
        'permit (principal, action, resource);\n@id("closed") @reason("until the audit")\n'
        'forbid (principal, action == Action::"see", resource == Area::"ledger");'
    )
    assert policies.entering(ANN, "see", "ledger") == 'forbidden by "closed": until the audit'


def test_what_no_policy_permits_says_who_and_what() -> None:
    said = CedarPolicies(OPERATORS_RUN).running(KEY, "spam", "internal")
    assert said == "no policy permits key 8f2c01 (viewer) to run spam"


def test_a_policy_that_fails_refuses_instead_of_being_passed_over() -> None:
    policies = CedarPolicies(
        'permit (principal, action, resource);\n'
        'forbid (principal, action == Action::"run", resource) when { 9223372036854775807 + context.level > 0 };'
    )  # fmt: skip
    assert "cannot be evaluated" in policies.running(ANN, "spam", "internal")


@pytest.mark.parametrize(
    "text",
    [
        "permit (principal, action, ;",
        'permit (principal in Group::"all", action, resource);',
        'permit (principal, action == Action::"fly", resource);',
        'permit (principal, action == Action::"buy", resource) when { resource.jurisdiction == "eu" };',
        'permit (principal, action == Action::"buy", resource) when { resource.jurisdictions == "eu" };',
    ],
)
def test_a_policy_of_what_there_is_not_is_refused_when_it_is_read(text: str) -> None:
    with pytest.raises(ConfigError):
        CedarPolicies(text)


def test_files_are_read_together_and_a_missing_one_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.cedar").write_text(OPERATORS_RUN)
    with pytest.raises(ConfigError, match=r"missing\.cedar"):
        CedarPolicies.read([tmp_path / "a.cedar", tmp_path / "missing.cedar"])


@pytest.mark.parametrize("name", ['an"n', "a\\n", "é", "x\u2028y", ""])
def test_a_name_is_data_and_never_part_of_a_policy(name: str) -> None:
    policies = CedarPolicies(OPERATORS_RUN)
    assert policies.running(Principal(kind="Person", name=name, roles=("operator",)), name, "internal") == ""
