"""Retry policies, of which one thing matters here: how often a connection that fails is tried at another endpoint."""

from __future__ import annotations

from analyzer.mesh.resource import Node

# Of a route whose policy says nothing (retry.go cachedDefaultPolicy).
DEFAULT_RETRIES = 2
# The conditions under which Envoy's router tries again when a connection cannot be made (RetryStateImpl).
_FOR_FAILED_CONNECTIONS = frozenset({"5xx", "gateway-error", "reset", "reset-before-request", "connect-failure"})


def retries_connections(conditions: str) -> bool:
    """Whether ``retry_on``, words between commas, names a condition that a failed connection fulfils."""
    return not _FOR_FAILED_CONNECTIONS.isdisjoint(word.strip() for word in conditions.split(","))


def retries_elsewhere(policy: Node) -> int:
    """How often an HTTPRetry of Istio has a failed connection tried at another endpoint (retry.go ConvertPolicy).

    0 too where endpoints that failed may be chosen again.
    """
    if not policy.boolean("retryIgnorePreviousHosts", True):
        return 0
    conditions = policy.text("retryOn")
    return max(policy.integer("attempts"), 0) if not conditions or retries_connections(conditions) else 0
