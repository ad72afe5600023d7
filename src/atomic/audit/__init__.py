"""Audit: what was decided in a time, with all that an outsider needs to check it offline and without Atomic."""

from atomic.audit.bundle import Bundled, write_bundle

__all__ = ["Bundled", "write_bundle"]
