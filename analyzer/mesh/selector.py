"""Label selectors: Istio's plain ``matchLabels`` and Kubernetes' with expressions."""

from __future__ import annotations

from collections.abc import Mapping

from analyzer.base.fact import Fact
from analyzer.mesh.resource import Node


def labels_match(selector: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    """Whether every label of ``selector`` stands in ``labels``; an empty selector matches all."""
    return all(labels.get(name) == value for name, value in selector.items())


class Requirement(Fact, frozen=True):
    """One expression: ``operator`` is ``In``, ``NotIn``, ``Exists`` or ``DoesNotExist``."""

    key: str
    operator: str
    values: tuple[str, ...]

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether ``labels`` fulfil it; an unknown operator is never fulfilled."""
        value = labels.get(self.key)
        return {
            "In": value is not None and value in self.values,
            "NotIn": value is None or value not in self.values,
            "Exists": value is not None,
            "DoesNotExist": value is None,
        }.get(self.operator, False)


class LabelSelector(Fact, frozen=True):
    """``metav1.LabelSelector``: all labels and all expressions must hold."""

    match_labels: tuple[tuple[str, str], ...]
    requirements: tuple[Requirement, ...] = ()

    @property
    def keys(self) -> frozenset[str]:
        """The labels that it asks for."""
        return frozenset((*dict(self.match_labels), *(each.key for each in self.requirements)))

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether ``labels`` are selected; an empty selector selects everything."""
        return labels_match(dict(self.match_labels), labels) and all(each.matches(labels) for each in self.requirements)


def parse_label_selector(node: Node) -> LabelSelector:
    """The selector that ``node`` holds."""
    requirements = (
        Requirement(each.text("key"), each.text("operator"), each.texts("values"))
        for each in node.nodes("matchExpressions")
    )
    return LabelSelector(tuple(node.mapping("matchLabels").items()), tuple(requirements))
