"""MeshConfig: what holds for the whole mesh, with Istio's defaults."""

from __future__ import annotations

import re
from collections.abc import Mapping

from analyzer.base.fact import Fact, field
from analyzer.base.place import YamlPlace
from analyzer.mesh.kinds.retries import DEFAULT_RETRIES, retries_elsewhere
from analyzer.mesh.resource import Node
from analyzer.mesh.selector import LabelSelector, parse_label_selector
from analyzer.mesh.source import YamlMap

ALLOW_ANY = "ALLOW_ANY"
REGISTRY_ONLY = "REGISTRY_ONLY"
ALLOW_ANY_DYNAMIC_DNS = "ALLOW_ANY_DYNAMIC_DNS"
# Of inboundTrafficPolicy: sidecars deliver to 127.0.0.1 in place of the address that was called.
LOCALHOST = "LOCALHOST"

# Keys by which a document without a kind is known to be a MeshConfig.
KNOWN_KEYS = frozenset(
    (
        "accessLogEncoding", "accessLogFile", "accessLogFormat",
        "defaultConfig", "defaultDestinationRuleExportTo", "defaultHttpRetryPolicy", "defaultServiceExportTo",
        "defaultVirtualServiceExportTo",
        "discoverySelectors", "enableAutoMtls", "extensionProviders", "inboundTrafficPolicy", "meshMTLS",
        "outboundTrafficPolicy", "pathNormalization", "protocolDetectionTimeout", "proxyHttpPort", "rootNamespace",
        "serviceEntryVisibility", "trustDomain", "trustDomainAliases",
    )
)  # fmt: skip


_RETRIES = "defaultHttpRetryPolicy"
_NORMALIZATIONS = ("DEFAULT", "NONE", "BASE", "MERGE_SLASHES", "DECODE_AND_MERGE_SLASHES")

# Visibilities of ServiceEntries (MeshConfig.ServiceEntryVisibility).
VISIBLE_IN_NAMESPACE = "NAMESPACE"
VISIBLE_NOWHERE = "NONE"


class EntryVisibility(Fact, frozen=True):
    """``serviceEntryVisibility``: the first policy all of whose selectors take the entry's namespace, else the default.

    A selector that is None takes no namespace; a policy without selectors takes all.
    """

    default: str
    policies: tuple[tuple[str, tuple[LabelSelector | None, ...]], ...]

    def of(self, namespace_labels: Mapping[str, str]) -> str:
        """The visibility of ServiceEntries in a namespace with these labels (serviceentry_visibility.go)."""
        for visibility, selectors in self.policies:
            if all(each is not None and each.matches(namespace_labels) for each in selectors):
                return visibility
        return self.default


class MeshConfig(Fact, frozen=True):
    """Mesh settings. ``node`` is the document they come from (an empty node: all defaults).

    ``discovery_selectors`` is empty where every namespace is seen. ``protocol_detection_timeout_ns`` is 0 for none.
    ``authorizers`` are the ext_authz ``extensionProviders`` by name, each with what it speaks: ``http`` or ``grpc``.
    ``entry_visibility`` is who sees ServiceEntries at all, None where nothing narrows it for sidecars.
    ``h2_upgrade`` is ``h2UpgradePolicy`` UPGRADE. ``retries`` is how often a failed connection is tried elsewhere.
    ``proxy_values`` are the injector's ``global.proxy``, which stand for annotations that a pod does not have.
    """

    node: Node
    outbound_policy: str = ALLOW_ANY
    inbound_policy: str = "PASSTHROUGH"
    root_namespace: str = "istio-system"
    trust_domain: str = "cluster.local"
    trust_domain_aliases: tuple[str, ...] = ()
    auto_mtls: bool = True
    path_normalization: str = "BASE"
    service_export_to: tuple[str, ...] = ()
    virtual_service_export_to: tuple[str, ...] = ()
    destination_rule_export_to: tuple[str, ...] = ()
    discovery_selectors: tuple[LabelSelector, ...] = ()
    protocol_detection_timeout_ns: int = 0
    proxy_listen_port: int = 15001
    proxy_inbound_listen_port: int = 15006
    proxy_http_port: int = 0
    h2_upgrade: bool = False
    dns_capture: bool = False
    http10: bool = False
    retries: int = DEFAULT_RETRIES
    authorizers: Mapping[str, str] = field(default_factory=dict)
    entry_visibility: EntryVisibility | None = None
    proxy_values: Node = field(default_factory=lambda: Node("", YamlMap(), YamlMap(), (), []))

    def place(self, *path: str) -> YamlPlace | None:
        """The place of a setting, or None where it is Istio's default."""
        node = self.node
        for key in path[:-1]:
            node = node.node(key)
        return node.place(path[-1]) if path and path[-1] in node else None


def parse_mesh_config(node: Node) -> MeshConfig:
    """The settings of a MeshConfig document; what is absent takes Istio's default."""
    metadata = node.node("defaultConfig").mapping("proxyMetadata")
    normalization = node.node("pathNormalization").choice("normalization", _NORMALIZATIONS) or "BASE"
    return MeshConfig(
        node=node,
        outbound_policy=_outbound_policy(node),
        inbound_policy=node.node("inboundTrafficPolicy").choice("mode", ("PASSTHROUGH", LOCALHOST)) or "PASSTHROUGH",
        root_namespace=node.text("rootNamespace") or "istio-system",
        trust_domain=node.text("trustDomain") or "cluster.local",
        trust_domain_aliases=node.texts("trustDomainAliases"),
        auto_mtls=node.boolean("enableAutoMtls", True),
        path_normalization="BASE" if normalization == "DEFAULT" else normalization,
        service_export_to=node.texts("defaultServiceExportTo"),
        virtual_service_export_to=node.texts("defaultVirtualServiceExportTo"),
        destination_rule_export_to=node.texts("defaultDestinationRuleExportTo"),
        discovery_selectors=tuple(parse_label_selector(each) for each in node.nodes("discoverySelectors")),
        protocol_detection_timeout_ns=parse_duration_ns(node.text("protocolDetectionTimeout")) or 0,
        proxy_listen_port=node.integer("proxyListenPort") or 15001,
        proxy_inbound_listen_port=node.integer("proxyInboundListenPort") or 15006,
        proxy_http_port=node.integer("proxyHttpPort"),
        h2_upgrade=node.text("h2UpgradePolicy") == "UPGRADE",
        dns_capture=metadata.get("ISTIO_META_DNS_CAPTURE") == "true",
        http10=metadata.get("ISTIO_META_HTTP10") == "1",
        retries=retries_elsewhere(node.node(_RETRIES)) if _RETRIES in node else DEFAULT_RETRIES,
        authorizers=_authorizers(node),
        entry_visibility=_entry_visibility(node.node("serviceEntryVisibility")),
    )


def _authorizers(node: Node) -> dict[str, str]:
    kinds = (("envoyExtAuthzHttp", "http"), ("envoyExtAuthzGrpc", "grpc"))
    providers = node.nodes("extensionProviders")
    return {each.text("name"): protocol for each in providers for key, protocol in kinds if key in each}


def _entry_visibility(node: Node) -> EntryVisibility | None:
    if not node.boolean("applyToSidecars"):
        return None
    policies = (
        (policy.text("visibility"), tuple(_namespace_selector(rule) for rule in policy.nodes("matchingRules")))
        for policy in node.nodes("policies")
    )
    return EntryVisibility(node.text("defaultVisibility"), tuple(policies))


def _namespace_selector(rule: Node) -> LabelSelector | None:
    return parse_label_selector(rule.node("namespaceSelector")) if "namespaceSelector" in rule else None


def _outbound_policy(node: Node) -> str:
    """The mode; ALLOW_ANY where it is none that there is, as where there is no policy."""
    policy = node.node("outboundTrafficPolicy")
    # A message that is present without a mode has the zero value of the API's enum, REGISTRY_ONLY.
    silent = REGISTRY_ONLY if "outboundTrafficPolicy" in node and policy.value.get("mode") is None else ALLOW_ANY
    return policy.choice("mode", (ALLOW_ANY, REGISTRY_ONLY, ALLOW_ANY_DYNAMIC_DNS)) or silent


_UNIT_NS = {"h": 3_600_000_000_000, "m": 60_000_000_000, "s": 1_000_000_000, "ms": 1_000_000, "us": 1000, "ns": 1}


def parse_duration_ns(text: str) -> int | None:
    """Nanoseconds of a duration such as ``1m0.5s`` or ``300ms``; None where the text is none."""
    parts = re.findall(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(h|ms|us|ns|m|s)", text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        return None
    return sum(round(float(number) * _UNIT_NS[unit]) for number, unit in parts)
