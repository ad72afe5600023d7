"""What policies may speak of: principals, actions, resources and their attributes, as a Cedar schema.

A policy that names anything else is refused when it is read, not found to do nothing on the day that it should have.
"""

from typing import Literal, get_args

Action = Literal["see", "judge", "review", "administer"]
Area = Literal[
    "requests", "bidders", "tasks", "budgets", "what-if", "review", "inbox", "ledger", "access", "bidding",
]  # fmt: skip
AREAS: tuple[Area, ...] = get_args(Area)
# What viewers may look at: no inputs and answers of others, no audit trail, no keys.
OPEN: frozenset[Area] = frozenset({"requests", "bidders", "tasks", "budgets", "what-if"})

SCHEMA = """
entity Role;
entity Tenant;
entity Team;
entity Person in [Role, Tenant, Team] { name: String, tenant: String, team: String };
entity Key in [Role, Tenant, Team] { name: String, tenant: String, team: String };
entity Program in [Role, Tenant, Team] { name: String, tenant: String, team: String };
entity Task { name: String, label: String };
entity Bidder { name: String, kind: String, family: String, accepts: String, jurisdictions: Set<String> };
entity Area in [Area] { name: String };

type Request = { label: String, level: Long, task: String, tenant: String, suspicion: Long };

action run appliesTo { principal: [Person, Key, Program], resource: [Task], context: Request };
action buy appliesTo { principal: [Person, Key, Program], resource: [Bidder], context: Request };
action see, judge, review, administer appliesTo { principal: [Person, Key, Program], resource: [Area] };
"""
