"""Measurements: each module measures one part, with its controls in the same run."""
