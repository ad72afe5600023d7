"""`atomic demo` and `atomic inbox run`."""

from __future__ import annotations
