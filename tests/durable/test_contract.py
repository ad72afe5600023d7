"""Every runner keeps the contract of durable flows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from atomic.durable import PlainFlows
from atomic.protocols import FlowBody, Flows
from atomic.testing.flows import DURABLE, EVERY, Check

pytest.importorskip("dbos", reason="the extra `flows` is not installed")

from atomic.durable.dbos_flows import DbosFlows


def named(check: Check) -> str:
    return getattr(check, "__name__", "")


@pytest.mark.parametrize("check", EVERY, ids=named)
async def test_the_plain_runner(check: Check) -> None:
    await check(PlainFlows)


@pytest.mark.parametrize("check", [*EVERY, *DURABLE], ids=named)
async def test_dbos(check: Check, tmp_path: Path) -> None:
    @asynccontextmanager
    async def make(bodies: Mapping[str, FlowBody]) -> AsyncIterator[Flows]:
        async with await DbosFlows.open(tmp_path / "flows.db", bodies) as flows:
            yield flows

    await check(make)
