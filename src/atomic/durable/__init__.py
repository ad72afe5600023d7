"""Durable flows: a plain runner for one process, and DBOS in a file of its own. See docs/flows.md."""

from atomic.durable.plain import PlainFlows

__all__ = ["PlainFlows"]
