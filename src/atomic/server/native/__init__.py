"""Atomic's own API under /api/v1: everything that the market knows and does, as JSON. See docs/serving.md."""
