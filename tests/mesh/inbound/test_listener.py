"""virtualInbound of a pod: declared ports, a Sidecar's ingress, and everything else."""

from analyzer.mesh.inbound.listener import inbound_port


def port_of(world, number=8080, **pod):
    mesh = world.pod("web-0", ip="10.0.0.9", **pod).mesh()
    return inbound_port(mesh, mesh.pod("shop", "web-0"), number)


def names(port):
    return [port.chain_name(chain) for chain in port.chains]


def service(world, name="http", target=8080, **rest):
    return world.service("web", {"name": name, "port": 80, "targetPort": target, "protocol": "TCP"}, **rest)


def test_a_service_declares_its_target_port(world):
    found = port_of(service(world))
    assert (found.declared, found.protocol, found.cluster) == (True, "HTTP", "inbound|8080||")
    assert set(names(found)) == {"0.0.0.0_8080"}
    assert found.yaml == (found.targets[0].service_port.place,)


def test_other_ports_are_taken_by_the_passthrough_chains(world):
    found = port_of(service(world), 9999)
    assert (found.declared, found.cluster) == (False, "InboundPassthroughCluster")
    assert set(names(found)) == {"virtualInbound", "virtualInbound-catchall-http"}


def test_the_oldest_service_decides_what_the_port_speaks(world):
    service(world, "tcp-x").service("young", {"name": "http", "port": 81, "targetPort": 8080}, selector={"app": "web"})
    found = port_of(world)
    assert found.protocol == "TCP"
    assert len(found.targets) == 2


def test_ports_of_envoys_own_listeners_get_no_chain(world):
    assert not port_of(service(world, target=15021), 15021).declared
    assert not port_of(service(world, target=15006), 15006).declared


def test_the_mode_of_the_port_makes_its_chains(world):
    world.add("PeerAuthentication", "default", {"mtls": {"mode": "STRICT"}})
    assert [str(chain) for chain in port_of(service(world)).chains] == ["mutual TLS, HTTP"]


def test_an_ipv6_pod_binds_to_its_own_wildcard(world):
    mesh = service(world).pod("web-0", ip="2001:db8::9").mesh()
    found = inbound_port(mesh, mesh.pod("shop", "web-0"), 8080)
    assert set(names(found)) == {"::_8080"}


def ingress(world, **listener):
    port = {"number": 8080, "protocol": "TCP", "name": "x"}
    return world.add("Sidecar", "s", {"ingress": [{"port": port, **listener}], "egress": [{"hosts": ["*/*"]}]})


def test_a_sidecars_ingress_replaces_the_ports_of_services(world):
    found = port_of(ingress(service(world)))
    assert (found.declared, found.protocol, found.cluster) == (True, "TCP", "inbound|8080||")
    assert set(names(found)) == {"10.0.0.9_8080"}
    assert found.yaml[0].field.startswith("spec.ingress[0]")


def test_service_ports_that_the_ingress_does_not_name_are_passed_through(world):
    world.service("web", {"name": "http", "port": 80, "targetPort": 81})
    assert not port_of(ingress(world), 81).declared


def test_an_ingress_with_a_bind_is_named_by_it(world):
    assert set(names(port_of(ingress(world, bind="0.0.0.0")))) == {"0.0.0.0_8080"}


def test_a_sidecar_without_ingress_leaves_the_ports_as_they_are(world):
    world.add("Sidecar", "s", {"egress": [{"hosts": ["./*"]}]})
    assert port_of(service(world)).protocol == "HTTP"
