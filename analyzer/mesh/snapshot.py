"""The mesh at one moment: every resource that was read, with the indexes that questions start from."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from analyzer.base.fact import replace
from analyzer.base.oddity import Oddity
from analyzer.mesh.kinds.mesh_config import MeshConfig
from analyzer.mesh.kinds.namespace import Namespace
from analyzer.mesh.kinds.pod import Pod
from analyzer.mesh.resource import Resource

T = TypeVar("T")

# Kinds that every namespace has, whether istiod watches it or not.
_ALWAYS_SEEN = (Namespace, Pod)
# What every namespace is labelled with by Kubernetes itself.
_NAME_LABEL = "kubernetes.io/metadata.name"
# A pod in one of these phases no longer owns its address.
_FINISHED = ("Succeeded", "Failed")


@dataclass(frozen=True, slots=True, eq=False)
class MeshSnapshot:
    """Frozen input, and a memo of what was derived from it.

    ``views`` holds, by view class, what ``KINDS`` made of the resources, in the order of the input. ``ignored`` counts
    resources of unknown kinds, ``sources`` names the files that were read. ``config_maps`` are those with settings of a
    mesh, of which one at most is read.
    """

    config: MeshConfig
    resources: tuple[Resource, ...]
    views: Mapping[type, tuple[Any, ...]]
    sources: tuple[str, ...] = ()
    ignored: tuple[tuple[str, int], ...] = ()
    oddities: tuple[Oddity, ...] = ()
    config_maps: tuple[Resource, ...] = ()
    _memo: dict[Hashable, Any] = field(default_factory=dict, repr=False)

    def memo(self, key: Hashable, build: Callable[[], T]) -> T:
        """What ``build`` gives, made once per snapshot; the key begins with the name of who asks."""
        if key not in self._memo:
            self._memo[key] = build()
        found: T = self._memo[key]
        return found

    def underived(self) -> MeshSnapshot:
        """The same input without what was derived from it, to be sent to another process."""
        return replace(self, _memo={})

    def of(self, kind: type[T]) -> tuple[T, ...]:
        """All views of a class that istiod sees, in the order of the input.

        Namespaces and pods are all there; other resources only where ``discoverySelectors`` select their namespace.
        """
        found = self.views.get(kind, ())
        if not self.config.discovery_selectors or kind in _ALWAYS_SEEN:
            return found
        return self.memo(("of", kind), lambda: tuple(each for each in found if self.sees(each.resource.namespace)))

    def has(self, *names: str) -> bool:
        """Whether there is any view of the classes of these names; for a caller that has no other use of them."""
        return any(kind.__name__ in names for kind in self.views)

    @property
    def root_namespace(self) -> str:
        """Where mesh-wide policies live."""
        return self.config.root_namespace

    @property
    def kinds(self) -> tuple[tuple[str, int], ...]:
        """How many resources of each understood kind there are, by name."""
        counts: dict[str, int] = {}
        for resource in self.resources:
            counts[resource.kind] = counts.get(resource.kind, 0) + 1
        return tuple(sorted(counts.items()))

    def namespace_labels(self, name: str) -> Mapping[str, str]:
        """The labels of a namespace; one that is not in the input only has its name label."""
        labels = self.memo("namespace-labels", lambda: {each.name: each.resource.labels for each in self.of(Namespace)})
        return labels.get(name) or {_NAME_LABEL: name}

    def sees(self, namespace: str) -> bool:
        """Whether istiod watches a namespace (MeshConfig ``discoverySelectors``; the root namespace always)."""
        selectors = self.config.discovery_selectors
        if not selectors or namespace == self.root_namespace:
            return True
        return any(selector.matches(self.namespace_labels(namespace)) for selector in selectors)

    @property
    def unlabelled(self) -> tuple[str, ...]:
        """The namespaces of which nobody can say whether istiod watches them, sorted.

        They are not in the input, and ``discoverySelectors`` ask for more of them than their name.
        """
        return self.memo("unlabelled", self._unlabelled)

    def _unlabelled(self) -> tuple[str, ...]:
        selectors = self.config.discovery_selectors
        by_name = [selector for selector in selectors if selector.keys <= {_NAME_LABEL}]
        if len(by_name) == len(selectors):
            return ()
        met = {each.namespace for each in self.resources} - {"", self.root_namespace}
        unknown = met - {each.name for each in self.of(Namespace)}
        return tuple(sorted(n for n in unknown if not any(each.matches({_NAME_LABEL: n}) for each in by_name)))

    @property
    def kubernetes(self) -> MeshSnapshot:
        """The same input as Kubernetes has it: with what ``discoverySelectors`` keep from istiod."""
        if not self.config.discovery_selectors:
            return self
        return self.memo("kubernetes", self._unnarrowed)

    def _unnarrowed(self) -> MeshSnapshot:
        return replace(self, config=replace(self.config, discovery_selectors=()), _memo={})

    @property
    def pods(self) -> tuple[Pod, ...]:
        """Every pod, in the order of the input."""
        return self.of(Pod)

    def pod(self, namespace: str, name: str) -> Pod | None:
        """The pod of that name, or None."""
        pods = self.memo("pods", lambda: {(pod.namespace, pod.name): pod for pod in self.of(Pod)})
        return pods.get((namespace, name))

    def pod_at(self, ip: str) -> Pod | None:
        """The pod that owns an address; pods on the host's network own none."""
        return self.memo("pods-by-ip", self._pods_by_ip).get(ip)

    def host_pod_at(self, ip: str) -> Pod | None:
        """A pod on the host's network whose node has this address: its processes speak from there, among others."""
        return self.memo("host-pods-by-ip", self._host_pods_by_ip).get(ip)

    def _host_pods_by_ip(self) -> dict[str, Pod]:
        found: dict[str, Pod] = {}
        for pod in self.of(Pod):
            if pod.host_network and pod.phase not in _FINISHED:
                for ip in pod.ips:
                    found.setdefault(ip, pod)
        return found

    def _pods_by_ip(self) -> dict[str, Pod]:
        found: dict[str, Pod] = {}
        for pod in self.of(Pod):
            if not pod.host_network and pod.phase not in _FINISHED:
                for ip in pod.ips:
                    found.setdefault(ip, pod)
        return found
