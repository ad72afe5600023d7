"""What is remembered of texts for speed: caches that all forget where something is erased."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import lru_cache
from typing import Any, ParamSpec, TypeVar
from weakref import WeakSet

P = ParamSpec("P")
T = TypeVar("T")

_caches: WeakSet[Any] = WeakSet()
_adding = threading.Lock()  # a set that grows cannot be walked


def remembered(size: int) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """A function of texts that remembers its last `size` results, in memory, until `forget_texts`.

    >>> length = remembered(2)(len)
    >>> length("free money")
    10
    """

    def make(function: Callable[P, T]) -> Callable[P, T]:
        cache: Any = lru_cache(maxsize=size)(function)
        with _adding:
            _caches.add(cache)
        found: Callable[P, T] = cache
        return found

    return make


def forget_texts() -> None:
    """Have every such function of this process forget all texts."""
    with _adding:
        for cache in _caches:
            cache.cache_clear()
