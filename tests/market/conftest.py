"""What the market's tests share."""

import asyncio
from typing import Any

import pytest


@pytest.fixture
async def failures() -> list[BaseException]:
    """What reaches the event loop's exception handler."""
    caught: list[BaseException] = []

    def note(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        caught.append(context["exception"])

    asyncio.get_running_loop().set_exception_handler(note)
    return caught
