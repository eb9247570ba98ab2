"""Which services a proxy has clusters for."""

from __future__ import annotations

from analyzer.mesh.outbound.scope import scope_of

SUFFIX = ".svc.cluster.local"
EXPORT = "networking.istio.io/exportTo"


def services(town, name="shop/web-0") -> dict:
    mesh, proxy = town.proxy(name)
    return dict(scope_of(mesh, proxy).services)


def routed(town, *hosts: str, sidecar_hosts=("./*",), **listener):
    """A client that imports its own namespace, and a VirtualService there that leads elsewhere."""
    town.pod("shop/web-0").rule("Sidecar", "shop/sc", egress=[{"hosts": list(sidecar_hosts), **listener}])
    route = [{"destination": {"host": host}} for host in hosts]
    return town.rule("VirtualService", "shop/vs", hosts=["x.example.com"], http=[{"route": route}])


def test_what_listeners_import_has_clusters(town) -> None:
    town.service("shop/web", "10.9.0.1").pod("shop/web-0")
    assert list(services(town)) == [f"web.shop{SUFFIX}"]


def test_destinations_of_virtual_services_are_imported_too(town) -> None:
    town.service("pay/db", "10.9.0.1")
    assert list(services(routed(town, f"db.pay{SUFFIX}", "gone.example.com"))) == [f"db.pay{SUFFIX}"]


def test_only_the_ports_that_are_named_are_imported(town) -> None:
    town.service("pay/db", "10.9.0.1", ports=("http:80:1", "http:81:1"))
    routed(town)
    destination = {"host": f"db.pay{SUFFIX}", "port": {"number": 81}}
    town.rule("VirtualService", "shop/two", hosts=["y.example.com"], tcp=[{"route": [{"destination": destination}]}])
    assert [port.number for port in services(town)[f"db.pay{SUFFIX}"].ports] == [81]


def test_a_port_that_the_service_does_not_have_imports_nothing(town) -> None:
    town.service("pay/db", "10.9.0.1")
    routed(town)
    destination = {"host": f"db.pay{SUFFIX}", "port": {"number": 99}}
    town.rule("VirtualService", "shop/two", hosts=["y.example.com"], tls=[{"route": [{"destination": destination}]}])
    assert services(town) == {}


def test_a_destination_that_is_not_visible_is_not_imported(town) -> None:
    town.service("pay/db", "10.9.0.1", annotations={EXPORT: "."})
    assert services(routed(town, f"db.pay{SUFFIX}")) == {}


def test_rules_for_other_namespaces_import_nothing(town) -> None:
    town.service("pay/db", "10.9.0.1")
    routed(town)
    rule = {"match": [{"sourceNamespace": "pay"}], "route": [{"destination": {"host": f"db.pay{SUFFIX}"}}]}
    town.rule("VirtualService", "shop/two", hosts=["y.example.com"], http=[rule])
    assert services(town) == {}


def test_mirrors_are_imported(town) -> None:
    town.service("pay/db", "10.9.0.1")
    routed(town)
    town.rule("VirtualService", "shop/two", hosts=["y.example.com"], http=[{"mirror": {"host": f"db.pay{SUFFIX}"}}])
    assert list(services(town)) == [f"db.pay{SUFFIX}"]


def test_the_own_namespaces_service_of_a_host_is_preferred(town) -> None:
    town.entry("pay/e", ["api.example.com"], ["http:80:HTTP"]).entry("shop/e", ["api.example.com"], ["http:80:HTTP"])
    routed(town, "api.example.com", sidecar_hosts=("shop/x.example.com",))
    assert services(town)["api.example.com"].namespace == "shop"


def test_ports_of_equal_entries_are_merged(town) -> None:
    town.pod("shop/web-0")
    town.entry("shop/a", ["api.example.com"], ["http:80:HTTP"]).entry(
        "shop/b", ["api.example.com"], ["http:81:HTTP", "x:80:TCP"]
    )
    assert [port.number for port in services(town)["api.example.com"].ports] == [80, 81]


def test_ports_of_unlike_entries_are_not(town) -> None:
    town.pod("shop/web-0").entry("shop/a", ["api.example.com"], ["http:80:HTTP"])
    town.entry("shop/b", ["api.example.com"], ["http:81:HTTP"], resolution="DNS")
    assert [port.number for port in services(town)["api.example.com"].ports] == [80]


def test_a_kubernetes_service_replaces_an_entry(town) -> None:
    egress = [{"hosts": ["shop/*"]}, {"hosts": ["pay/*"]}]
    town.pod("shop/web-0").rule("Sidecar", "shop/sc", egress=egress).service("pay/db", "10.9.0.1")
    town.entry("shop/e", [f"db.pay{SUFFIX}"], ["http:99:HTTP"])
    assert services(town)[f"db.pay{SUFFIX}"].kubernetes


def test_services_are_trimmed_to_the_listeners_port(town) -> None:
    town.service("pay/db", "10.9.0.1", ports=("http:80:1", "http:81:1"))
    routed(town, f"db.pay{SUFFIX}", port={"number": 81, "protocol": "HTTP"})
    assert [port.number for port in services(town)[f"db.pay{SUFFIX}"].ports] == [81]
