"""What a pod's iptables were told: by its init container's arguments, its annotations, the injector, or Istio.

The injector writes annotations and mesh-wide values into the arguments of ``istio-iptables`` (injection-template.yaml,
tools/istio-iptables/pkg/cmd), so that these are what holds; a pod that was written by hand has the annotations alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_network

from analyzer.base.fact import Fact
from analyzer.base.place import YamlPlace
from analyzer.mesh.kinds.pod import PROXY_CONTAINER, Pod
from analyzer.mesh.resource import Node
from analyzer.mesh.snapshot import MeshSnapshot

INCLUDE_OUTBOUND_RANGES = "includeOutboundIPRanges"
EXCLUDE_OUTBOUND_RANGES = "excludeOutboundIPRanges"
INCLUDE_OUTBOUND_PORTS = "includeOutboundPorts"
EXCLUDE_OUTBOUND_PORTS = "excludeOutboundPorts"
INCLUDE_INBOUND_PORTS = "includeInboundPorts"
EXCLUDE_INBOUND_PORTS = "excludeInboundPorts"
EXCLUDE_INTERFACES = "excludeInterfaces"

EVERYTHING = "*"
_TRAFFIC = "traffic.sidecar.istio.io/"
_PROXY_USER, _PROXY_GROUP = "proxy user", "proxy group"
_PROXY_ID = "1337"

# Flags of istio-iptables, short and long, and the injector's value (global.proxy) for pods without the annotation.
_FLAGS: Mapping[str, tuple[str, str, str]] = {
    INCLUDE_OUTBOUND_RANGES: ("-i", "--istio-service-cidr", "includeIPRanges"),
    EXCLUDE_OUTBOUND_RANGES: ("-x", "--istio-service-exclude-cidr", "excludeIPRanges"),
    INCLUDE_OUTBOUND_PORTS: ("-q", "--istio-outbound-ports", "includeOutboundPorts"),
    EXCLUDE_OUTBOUND_PORTS: ("-o", "--istio-local-outbound-ports-exclude", "excludeOutboundPorts"),
    INCLUDE_INBOUND_PORTS: ("-b", "--istio-inbound-ports", "includeInboundPorts"),
    EXCLUDE_INBOUND_PORTS: ("-d", "--istio-local-exclude-ports", "excludeInboundPorts"),
    EXCLUDE_INTERFACES: ("-c", "--istio-exclude-interfaces", ""),
    _PROXY_USER: ("-u", "--proxy-uid", ""),
    _PROXY_GROUP: ("-g", "--proxy-gid", ""),
}
_DEFAULTS = {INCLUDE_OUTBOUND_RANGES: EVERYTHING, INCLUDE_INBOUND_PORTS: EVERYTHING}
# Where the rules are made: by the container itself, or by the CNI plugin, whose work a container of this name checks.
VALIDATION_CONTAINER = "istio-validation"
_INIT_CONTAINERS = ("istio-init", VALIDATION_CONTAINER)
_COMMAND = "istio-iptables"


class Setting(Fact, frozen=True):
    """The text of one setting, and what says so; ``place`` None is Istio's default."""

    text: str
    place: YamlPlace | None = None

    @property
    def places(self) -> tuple[YamlPlace, ...]:
        """Its place, where it has one."""
        return (self.place,) if self.place is not None else ()

    @property
    def ports(self) -> frozenset[int]:
        """Its text as port numbers; what is no number is left out, as no rule could hold it."""
        return parse_ports(self.text)

    @property
    def networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """Its text as address ranges; what is none is left out."""
        return _parse_networks(self.text)


class Interception(Fact, frozen=True):
    """What the rules of one pod were made of. ``own_user``: where its applications run as the proxy's own user."""

    settings: Mapping[str, Setting]
    own_user: YamlPlace | None = None

    def setting(self, name: str) -> Setting:
        """A setting by the last part of its annotation's name."""
        return self.settings.get(name) or Setting(_DEFAULTS.get(name, ""))


def interception_of(mesh: MeshSnapshot, pod: Pod) -> Interception:
    """What the rules of ``pod`` were made of."""
    return mesh.memo(("interception", pod), lambda: _read(mesh, pod))


def _read(mesh: MeshSnapshot, pod: Pod) -> Interception:
    settings = _of_arguments(pod)
    if settings is None:
        settings = _of_annotations(mesh, pod)
    users = settings[_PROXY_USER].text if _PROXY_USER in settings else _PROXY_ID
    groups = settings[_PROXY_GROUP].text if _PROXY_GROUP in settings else users
    return Interception(settings, _own_user(pod, parse_ports(users), parse_ports(groups)))


def _of_arguments(pod: Pod) -> dict[str, Setting] | None:
    """The settings of the init container; None where it is not in the input."""
    for node in pod.resource.spec.nodes("initContainers"):
        arguments = node.texts("args")
        if node.text("name") in _INIT_CONTAINERS and _COMMAND in arguments:
            place = node.place("args")
            found = {name: _argument(arguments, flags[:2]) for name, flags in _FLAGS.items()}
            # Without the flag the rule is not made, whatever the annotations say by now.
            return {
                name: Setting(text or "", place)
                for name, text in found.items()
                if text is not None or name in _DEFAULTS
            }
    return None


def _argument(arguments: tuple[str, ...], flags: tuple[str, ...]) -> str | None:
    """The value of a flag: the argument behind it, or what follows its equals sign."""
    for position, each in enumerate(arguments):
        flag, equals, value = each.partition("=")
        if flag in flags:
            return value if equals else next(iter(arguments[position + 1 : position + 2]), "")
    return None


def _of_annotations(mesh: MeshSnapshot, pod: Pod) -> dict[str, Setting]:
    """The settings by annotation, else by what the injector writes where there is no annotation."""
    values = mesh.config.proxy_values
    found = {}
    for name, (_, _, value) in _FLAGS.items():
        annotation = _TRAFFIC + name
        if annotation in pod.annotations:
            place = pod.resource.place("metadata", "annotations", annotation)
            found[name] = Setting(pod.annotations[annotation].strip(), place)
        elif value in values:
            found[name] = Setting(values.text(value).strip(), values.place(value))
    return found


def _own_user(pod: Pod, users: frozenset[int], groups: frozenset[int]) -> YamlPlace | None:
    """Where all applications of a pod are said to run as the proxy's user or group, whose packets pass; else None."""
    spec = pod.resource.spec
    shared = spec.node("securityContext")
    applications = [each for each in spec.nodes("containers") if each.text("name") != PROXY_CONTAINER]
    places = [_as_proxy(each.node("securityContext"), shared, users, groups) for each in applications]
    return next(iter(places), None) if all(places) else None


def _as_proxy(own: Node, shared: Node, users: frozenset[int], groups: frozenset[int]) -> YamlPlace | None:
    for key, ids in (("runAsUser", users), ("runAsGroup", groups)):
        context = own if key in own else shared
        if context.integer(key) in ids:
            return context.place(key)
    return None


@lru_cache(maxsize=4096)
def parse_ports(text: str) -> frozenset[int]:
    """The numbers of a comma-separated list; what is no number is left out."""
    items = (item.strip() for item in text.split(","))
    return frozenset(int(item) for item in items if item.isascii() and item.isdigit() and len(item) < 6)


@lru_cache(maxsize=4096)
def _parse_networks(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    found = []
    for item in text.split(","):
        try:
            found.append(ip_network(item.strip(), strict=False))
        except ValueError:
            continue
    return tuple(found)
