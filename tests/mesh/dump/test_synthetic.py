"""Resources of plain values."""

from __future__ import annotations

from analyzer.base.place import YamlPlace
from analyzer.mesh.dump.synthetic import NOT_IN_THE_INPUT, resource_at


def test_every_field_stands_where_the_dump_speaks_of_it() -> None:
    body = {"kind": "Pod", "metadata": {"name": "web-0"}, "spec": {"containers": [{"name": "app"}]}}

    found = resource_at(YamlPlace("dump.json", 7, 3), body)

    place = found.place("spec", "containers", 0, "name")
    assert (found.kind, found.name, found.order) == ("Pod", "web-0", NOT_IN_THE_INPUT)
    assert (place.file, place.line, place.field) == ("dump.json", 7, "spec.containers[0].name")
