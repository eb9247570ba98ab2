"""ServiceEntries."""

from __future__ import annotations

from analyzer.mesh.kinds.service_entry import ServiceEntry


def entry_of(town, status=None, **spec) -> ServiceEntry:
    town.add("networking.istio.io/v1", "ServiceEntry", "shop/ext", spec=spec, **({"status": status} if status else {}))
    return town.mesh().of(ServiceEntry)[0]


def test_location_and_resolution_default_to_the_enums_zero_values(town) -> None:
    found = entry_of(town, hosts=["a.com"])
    assert (found.external, found.resolution, found.selector) == (True, "NONE", None)


def test_a_service_entry_is_read_whole(town) -> None:
    found = entry_of(
        town,
        {"addresses": [{"host": "a.com", "value": "240.240.0.1"}, {"host": "a.com", "value": "2001:2:0::1"}]},
        hosts=["a.com"],
        addresses=["FD::0:2", "10.1.0.0/16"],
        location="MESH_INTERNAL",
        resolution="STATIC",
        ports=[{"name": "http", "number": 80, "protocol": "HTTP", "targetPort": 8080}],
        endpoints=[{"address": "FD::0:1"}],
        workloadSelector={"labels": {"app": "ext"}},
        exportTo=["."],
        subjectAltNames=["spiffe://x"],
    )
    assert (found.external, found.resolution, found.selector) == (False, "STATIC", {"app": "ext"})
    assert [(port.name, port.number, port.protocol, port.target) for port in found.ports] == [
        ("http", 80, "HTTP", 8080)
    ]
    assert [each.address for each in found.endpoints] == ["fd::1"]
    assert found.allocated == {"a.com": ("240.240.0.1", "2001:2::1")}
    assert found.addresses == ("fd::2", "10.1.0.0/16")
    assert (found.export_to, found.subject_alt_names) == ((".",), ("spiffe://x",))
