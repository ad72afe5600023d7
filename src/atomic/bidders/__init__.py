"""Bidders: everything that can answer. Each stands alone, with at most one outside library, and behind one protocol."""
