"""Engines: hands that turn a plan and a bidder's words into a typed value, each with one library that is its own."""
