"""Cedar decides: text of policies in, permitted or the policy that forbids out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

from atomic.errors import ConfigError, MissingExtra
from atomic.policies.schema import OPEN, SCHEMA, Action, Area
from atomic.protocols import Profile
from atomic.records.principal import Principal
from atomic.records.request import LABELS, DataLabel
from atomic.records.suspicion import UNSUSPECTED, Suspicion

_KEPT = 4_096  # verdicts at hand


@dataclass(frozen=True, slots=True)
class _Bidder:
    """Of a bidder, what policies may look at."""

    name: str
    kind: str
    family: str
    accepts: DataLabel
    jurisdictions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Asked:
    """Of a request, what policies may look at."""

    label: DataLabel
    task: str
    tenant: str
    suspicion: Suspicion

    @property
    def context(self) -> dict[str, Any]:
        told = {"label": self.label, "level": LABELS.index(self.label), "task": self.task, "tenant": self.tenant}
        return told | {"suspicion": self.suspicion.percent}

    @property
    def suspected(self) -> str:
        signs = "".join(f", {one}" for one in self.suspicion.signs)
        return f"suspicion {self.suspicion.percent} of 100{signs}"


class CedarPolicies:
    """Verdicts by Cedar's rules: what no policy permits is refused, and one that forbids outweighs all that permit.

    A verdict is a text: empty where permitted, else why not. It depends on its arguments alone, so that it is computed
    once for each and then looked up; what is refused says which policy (`@id`) forbids it and its `@reason`.

    Raises ConfigError for policies that cannot be read or that speak of what there is not, MissingExtra without Cedar.

    >>> from atomic.protocols import Profile
    >>> policies = CedarPolicies('''
    ... permit (principal, action, resource);
    ... @id("mail stays in Europe") @reason("contracts of 2025")
    ... forbid (principal, action == Action::"buy", resource)
    ... when { context.level >= 1 && !resource.jurisdictions.contains("eu") };
    ... ''')
    >>> ann = Principal(kind="Person", name="ann", roles=("operator",))
    >>> policies.buying(ann, "spam", "internal", Profile(name="big", kind="http", jurisdictions=("us",)))
    'forbidden by "mail stays in Europe": contracts of 2025'
    >>> policies.buying(ann, "spam", "public", Profile(name="big", kind="http", jurisdictions=("us",)))
    ''
    """

    def __init__(self, text: str, where: str = "the policies") -> None:
        try:
            import cedarpy
        except ImportError:
            raise MissingExtra("policies need Cedar", hint="pip install 'atomic-market[govern]'") from None
        self._cedar = cedarpy
        try:
            policies = json.loads(cedarpy.policies_to_json_str(text))["staticPolicies"]
            found = cedarpy.validate_policies(text, SCHEMA)
        except ValueError as error:
            raise ConfigError(f"{where}: {error}", hint="docs/governance.md shows what a policy looks like") from None
        if not found.validation_passed:
            first = str(next(iter(found.errors)))
            raise ConfigError(f"{where}: {first}", hint="docs/governance.md lists all that a policy may speak of")
        self._text = text
        self._annotations = {key: policy.get("annotations", {}) for key, policy in policies.items()}
        self._screening = {key for key, policy in policies.items() if '"suspicion"' in json.dumps(policy)}
        self._verdict = lru_cache(_KEPT)(self._decide)

    @classmethod
    def read(cls, paths: Sequence[Path] = ()) -> CedarPolicies:
        """What each role may do (`roles.cedar`), and the policies of some files. Raises ConfigError for one missing.

        >>> CedarPolicies.read().entering(Principal(kind="Key", name="8f2c01", roles=("viewer",)), "see", "ledger")
        'no policy permits key 8f2c01 (viewer) to see ledger'
        """
        texts = [cls.roles()]
        for path in paths:
            try:
                texts.append(path.read_text(encoding="utf-8"))
            except (OSError, UnicodeDecodeError) as error:
                raise ConfigError(f"the policies {path} cannot be read: {error}") from None
        return cls("\n".join(texts), ", ".join(map(str, paths)) or "the roles")

    @property
    def screens(self) -> bool:
        """Whether any of them looks at how suspicious a text is."""
        return bool(self._screening)

    @staticmethod
    def roles() -> str:
        """The policies that say what each role may do."""
        return resources.files(__package__).joinpath("roles.cedar").read_text(encoding="utf-8")

    def running(self, who: Principal, task: str, label: DataLabel, suspicion: Suspicion = UNSUSPECTED) -> str:
        """Why somebody may not have this task done on data with this label; empty: they may."""
        asked = _Asked(label, task, who.tenant, suspicion)
        return self._verdict(who, "run", ("Task", task), asked, ("label", label))

    def buying(
        self, who: Principal, task: str, label: DataLabel, bidder: Profile, suspicion: Suspicion = UNSUSPECTED
    ) -> str:
        """Why an answer may not be bought from this bidder for them; empty: it may."""
        seen = _Bidder(bidder.name, bidder.kind, bidder.family, bidder.accepts, bidder.jurisdictions)
        asked = _Asked(label, task, who.tenant, suspicion)
        return self._verdict(who, "buy", ("Bidder", bidder.name), asked, seen)

    def entering(self, who: Principal, action: Action, area: Area) -> str:
        """Why somebody may not do this in an area of the server; empty: they may."""
        return self._verdict(who, action, ("Area", area), None, ())

    def _decide(
        self,
        who: Principal,
        action: str,
        resource: tuple[str, str],
        asked: _Asked | None,
        about: tuple[str, str] | _Bidder | tuple[()],
    ) -> str:
        kind, name = resource
        request = {
            "principal": _uid(who.kind, who.name),
            "action": _uid("Action", action),
            "resource": _uid(kind, name),
            "context": {} if asked is None else asked.context,
        }
        found = self._cedar.is_authorized(request, self._text, [*_principal(who), _resource(kind, name, about)])
        errors = [str(error) for error in found.diagnostics.errors]
        if errors:  # a policy that cannot be evaluated would be passed over, and a forbidding one with it
            return f"a policy cannot be evaluated: {errors[0]}"
        if found.allowed:
            return ""
        reasons = sorted(found.diagnostics.reasons)
        if not reasons:
            return f"no policy permits {who.told} to {action} {name}"
        why = f"forbidden by {self._named(reasons)}"
        return f"{why} ({asked.suspected})" if asked is not None and self._screening & {*reasons} else why

    def _named(self, keys: Iterable[str]) -> str:
        told = []
        for key in keys:
            known = self._annotations.get(key, {})
            told.append(f'"{known.get("id", key)}"' + (f": {known['reason']}" if "reason" in known else ""))
        return "; ".join(told)


def _uid(kind: str, name: str) -> dict[str, str]:
    return {"type": kind, "id": name}


def _principal(who: Principal) -> list[dict[str, Any]]:
    above = [*(_uid("Role", role) for role in who.roles), _uid("Tenant", who.tenant), _uid("Team", who.team)]
    attributes = {"name": who.name, "tenant": who.tenant, "team": who.team}
    own = {"uid": _uid(who.kind, who.name), "attrs": attributes, "parents": above}
    return [own, *({"uid": one, "attrs": {}, "parents": []} for one in above)]


def _resource(kind: str, name: str, about: tuple[str, str] | _Bidder | tuple[()]) -> dict[str, Any]:
    if isinstance(about, _Bidder):
        attributes = asdict(about) | {"jurisdictions": list(about.jurisdictions)}
    else:
        attributes = {"name": name} | dict([about] if about else [])
    above = [_uid("Area", "open")] if kind == "Area" and name in OPEN else []
    return {"uid": _uid(kind, name), "attrs": attributes, "parents": above}
