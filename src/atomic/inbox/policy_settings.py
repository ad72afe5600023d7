"""What the `[inbox]` table of atomic.toml may say: one frozen model per table, and nothing that is not in them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from atomic.config.values import Amount, Probability, SecretSettings, Table
from atomic.errors import TaskError
from atomic.inbox.automatic import AutomaticKind
from atomic.inbox.outside_settings import SmtpSettings, WebhookSettings
from atomic.inbox.tasks import Category, Priority, Sentiment, Spam
from atomic.records.budget import Budget, WhenSpent
from atomic.records.objective import with_terms
from atomic.records.request import Terms

# Only what every file system and every Maildir program takes as one plain name.
_NAME = re.compile(r"[A-Za-z0-9À-ÖØ-öø-ÿ][A-Za-z0-9À-ÖØ-öø-ÿ _+-]{0,58}[A-Za-z0-9À-ÖØ-öø-ÿ]|[A-Za-z0-9]")
_ADDRESS = re.compile(r"[A-Za-z0-9._%+'-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_OURS = frozenset({"inbox", "outbox", "tags"})


def _name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise ValueError(
            f"{value!r} is not a plain name: letters, digits, spaces, - _ +, at most 60, no dots or slashes"
        )
    return value


def _folder(value: str) -> str:
    if _name(value).lower() in _OURS:
        raise ValueError(f"{value!r} is a folder of Atomic's own: choose another name")
    return value


def _address(value: str) -> str:
    if not _ADDRESS.fullmatch(value):
        raise ValueError('not a plain address, such as "accounts@example.com"')
    return value


Folder = Annotated[str, AfterValidator(_folder)]
Tag = Annotated[str, AfterValidator(_name)]
Name = Annotated[str, AfterValidator(_name)]
Address = Annotated[str, AfterValidator(_address)]
Addresses = Annotated[tuple[Address, ...], Field(strict=False)]
Threshold = Annotated[float, Field(gt=0.0, le=1.0)]
Autonomy = Literal["observe", "suggest", "approve"] | Threshold
TaskName = Literal["spam", "category", "sentiment", "priority", "needs_reply"]
AnyTask = Literal["spam", "category", "sentiment", "priority", "needs_reply", "draft_reply"]
Kind = Annotated[AutomaticKind, Field(strict=False)]


class AutonomySettings(Table):
    """`[inbox.autonomy]`: per action "observe", "suggest", "approve" (a person is asked first), or the probability from
    which it is carried out."""

    tag: Autonomy = 0.6
    move: Autonomy = 0.9
    forward: Autonomy = "suggest"
    reply: Autonomy = "suggest"
    send: Autonomy = "approve"
    webhook: Autonomy = "approve"


class BudgetSettings(Table):
    """A budget at length: `amount` such as "$20/day", and what `Budget.of` takes."""

    amount: str
    time_zone: str = "UTC"
    carry_over: bool | None = None
    when_spent: WhenSpent = "refuse"
    incumbent: str = ""


def _budget(value: object) -> object:
    """A budget of "$2/1k" or of a table."""
    said = value if isinstance(value, str) else BudgetSettings.model_validate(value).model_dump()
    try:
        return Budget.of(said) if isinstance(said, str) else Budget.of(said.pop("amount"), **said)
    except TaskError as error:
        raise ValueError(f"{error.message}: {error.hint}") from None


class TermsSettings(Table):
    """`[inbox.terms.TASK]`: other terms than the task's own. Money in dollars; times in seconds.

    At most one of `worth`, `target` and `budget`; it takes the place of the task's own.
    """

    worth: Amount | None = None
    target: Probability | None = None
    budget: Annotated[Budget, BeforeValidator(_budget)] | None = None
    max_price: Amount | None = None
    latency_price: Amount | None = None
    deadline: Annotated[float, Field(gt=0.0, le=86_400.0)] | None = None
    refuse_below: Annotated[float, Field(ge=0.0, lt=1.0)] | None = None

    def applied(self, terms: Terms) -> Terms:
        """The terms with what is said here."""
        said = {name: value for name in type(self).model_fields if (value := getattr(self, name)) is not None}
        if "deadline" in said:
            said["deadline_ns"] = int(said.pop("deadline") * 1e9)
        return with_terms(terms, **said)

    @model_validator(mode="after")
    def _one_objective(self) -> Self:
        if (self.worth is not None) + (self.target is not None) + (self.budget is not None) > 1:
            raise ValueError("two objectives: give worth, target or budget")
        return self


class WhenSettings(Table):
    """`when` of a rule: all that is named must hold. A value that nobody bought holds for no rule."""

    spam: Spam | None = None
    category: Category | None = None
    sentiment: Sentiment | None = None
    priority: Priority | None = None
    needs_reply: bool | None = None
    automatic: bool | Kind | None = None


class DoSettings(Table):
    """`do` of a rule. `reply` and `forward` write drafts; `send` sends a reply, or a forward to an address."""

    tag: Tag | None = None
    move: Folder | None = None
    forward: Address | None = None
    reply: Literal["draft"] | None = None
    send: Literal["reply"] | Address | None = None
    webhook: Name | None = None


class RuleSettings(Table):
    """`[[inbox.rules]]`: from typed values to actions."""

    when: WhenSettings
    do: DoSettings


class InboxSettings(Table):
    """`[inbox]`: where results are kept, what is asked of each mail, how far actions go, and the rules in order.

    `folder` begins where the configuration lies. `own_addresses` are the mailbox's own: they are never answered, and
    the first is the sender of drafts and of what is sent. `concurrency` is how many mails are worked on at once.
    Without `smtp` nothing is sent.
    """

    folder: str = "INBOX-out"
    own_addresses: Addresses = ()
    concurrency: Annotated[int, Field(ge=1, le=64)] = 4
    ask: Annotated[tuple[TaskName, ...], Field(strict=False)] = (
        "spam",
        "category",
        "sentiment",
        "priority",
        "needs_reply",
    )
    autonomy: AutonomySettings = AutonomySettings()
    terms: dict[AnyTask, TermsSettings] = Field(default_factory=dict)
    smtp: SmtpSettings | None = None
    webhooks: dict[Name, WebhookSettings] = Field(default_factory=dict)
    rules: Annotated[tuple[RuleSettings, ...], Field(strict=False)] = ()


def based_at(folder: Path, settings: InboxSettings) -> InboxSettings:
    """The settings with the paths of the tables `smtp` and `webhooks` beginning in a folder."""

    def at(path: str | None) -> str | None:
        return None if path is None else str(folder / Path(path).expanduser())

    def secret(one: SecretSettings | None) -> SecretSettings | None:
        return one if one is None or one.file is None else one.model_copy(update={"file": at(one.file)})

    smtp = settings.smtp
    if smtp is not None:
        paths = {"ca": at(smtp.ca), "sent": at(smtp.sent), "password": secret(smtp.password)}
        smtp = smtp.model_copy(update=paths)
    hooks = {name: one.model_copy(update={"token": secret(one.token)}) for name, one in settings.webhooks.items()}
    return settings.model_copy(update={"smtp": smtp, "webhooks": hooks})
