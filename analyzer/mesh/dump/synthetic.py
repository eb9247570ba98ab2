"""Resources that only a dump shows: made of plain values, as if they stood in YAML where the dump speaks of them."""

from __future__ import annotations

from collections.abc import Mapping

from analyzer.base.place import YamlPlace
from analyzer.mesh.resource import Resource, read_resource
from analyzer.mesh.source import YamlList, YamlMap

# The order of a resource that is not in the input.
NOT_IN_THE_INPUT = -1


def resource_at(place: YamlPlace, body: Mapping[str, object]) -> Resource:
    """The resource of a document whose every field stands at ``place``."""
    built = _built(body, place)
    assert isinstance(built, YamlMap)
    return read_resource(built, place.file, NOT_IN_THE_INPUT, [])


def _built(value: object, place: YamlPlace) -> object:
    if isinstance(value, Mapping):
        found = YamlMap(place.line, place.column)
        for key, each in value.items():
            found[key] = _built(each, place)
            found.places[key] = (place.line, place.column)
        return found
    if isinstance(value, list):
        items = YamlList(place.line, place.column)
        items.extend(_built(each, place) for each in value)
        items.places = [(place.line, place.column)] * len(items)
        return items
    return value
