"""The way of a request, a verb per file: prepare, collect, tune, execute, settle, learn.

The auction itself is `atomic.rules.auction`. Only `atomic.market` knows their order.
"""
