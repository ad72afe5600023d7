"""Policies as code: who may do what, with which bidders, on which data; each refusal names the policy."""

from atomic.policies.cedar import CedarPolicies
from atomic.policies.schema import AREAS, SCHEMA, Action, Area

__all__ = ["AREAS", "SCHEMA", "Action", "Area", "CedarPolicies"]
