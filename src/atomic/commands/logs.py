"""Logs on stderr: JSON lines, in a terminal lines for people; ids and numbers only, never a body.

Configured here alone, for the program alone.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from atomic.protocols import Follower
    from atomic.records.event import Event


def configure_logs(*, verbose: bool) -> None:
    """Send what is logged to stderr: warnings and errors, with `verbose` everything."""
    import structlog

    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO if verbose else logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


def follow_if_verbose(ctx: typer.Context) -> Follower | None:
    """A follower that logs every event of a ledger, if --verbose was given."""
    if not ctx.find_root().params.get("verbose"):
        return None
    import structlog

    from atomic.commands.lines import words

    log = structlog.get_logger()

    def follow(events: Sequence[Event]) -> None:
        for one in events:
            log.info(one.kind, seq=one.seq, request_id=one.request_id, round=one.round, words=words(one.payload))

    return follow
