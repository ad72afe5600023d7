"""Logging in: people by OpenID Connect, and sessions that need no store."""

from atomic.login.oidc import OpenId, Provider
from atomic.login.sealed import opened, sealed

__all__ = ["OpenId", "Provider", "opened", "sealed"]
