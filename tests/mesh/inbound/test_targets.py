"""Which service ports lead to a pod, and in which order."""

from analyzer.mesh.inbound.targets import service_targets


def targets_of(world, **pod):
    mesh = world.pod("web-0", ip="10.0.0.9", **pod).mesh()
    return [(t.service.hostname.partition(".")[0], t.service_port.number, t.port) for t in targets(mesh)]


def targets(mesh):
    return service_targets(mesh, mesh.pod("shop", "web-0"))


def port(number, target=None, name="http", **rest):
    return {"name": name, "port": number, "protocol": "TCP", **({"targetPort": target} if target else {}), **rest}


def test_the_target_port_is_the_service_port_where_it_is_not_given(world):
    world.service("web", port(80), port(81, 8081, "other"))
    assert targets_of(world) == [("web", 80, 80), ("web", 81, 8081)]


def test_older_services_come_first(world):
    world.service("z-older", port(80), selector={"app": "web"}).service("a-younger", port(80), selector={"app": "web"})
    assert [name for name, _, _ in targets_of(world)] == ["z-older", "a-younger"]


def test_services_of_other_namespaces_do_not_count(world):
    world.service("web", port(80), namespace="pay")
    assert targets_of(world) == []


def test_services_that_ask_for_several_labels_count_where_the_pod_has_all_of_them(world):
    world.service("by-version", port(80), selector={"version": "v1"})
    world.service("other-app", port(80), selector={"version": "v1", "app": "pay"})
    world.service("by-both", port(80), selector={"version": "v1", "app": "web"})
    world.service("by-app", port(80), selector={"app": "web"})
    found = targets_of(world, labels={"app": "web", "version": "v1"})
    assert [name for name, _, _ in found] == ["by-version", "by-both", "by-app"]


def test_an_external_name_and_a_service_without_selector_do_not_count(world):
    world.service("a", port(80), type="ExternalName", externalName="b.example", selector={"app": "web"})
    world.service("b", port(80), selector={})
    world.service("web", port(80))
    assert targets_of(world) == [("web", 80, 80)]


def test_a_named_target_port_is_found_among_the_containers(world):
    world.service("web", port(80, "web"))
    declared = [{"name": "web", "containerPort": 8080, "protocol": "TCP"}]
    assert targets_of(world, ports=declared) == [("web", 80, 8080)]


def test_a_named_port_whose_protocol_is_not_written_out_is_not_found(world):
    world.service("web", port(80, "web"))
    assert targets_of(world, ports=[{"name": "web", "containerPort": 8080}]) == []


def test_a_named_port_of_another_transport_is_not_found(world):
    world.service("web", port(80, "web", protocol="UDP"))
    assert targets_of(world, ports=[{"name": "web", "containerPort": 8080, "protocol": "TCP"}]) == []


def slice_of(world, service, ip, target):
    return world.add(
        "EndpointSlice",
        f"{service}-s",
        labels={"kubernetes.io/service-name": service},
        addressType="IPv4",
        endpoints=[{"addresses": [ip]}],
        ports=[{"name": "http", "port": target}],
    )


def test_endpoints_count_where_no_selector_takes_the_pod(world):
    world.service("manual", port(80), selector={})
    slice_of(world, "manual", "10.0.0.9", 8080)
    assert targets_of(world) == [("manual", 80, 8080)]


def test_endpoints_do_not_count_where_a_selector_takes_the_pod(world):
    world.service("manual", port(80), selector={}).service("web", port(81))
    slice_of(world, "manual", "10.0.0.9", 8080)
    assert targets_of(world) == [("web", 81, 81)]


def test_a_service_entry_that_names_the_pods_address_counts(world):
    world.add(
        "ServiceEntry",
        "entry",
        {
            "hosts": ["entry.example"],
            "resolution": "STATIC",
            "ports": [
                {"number": 80, "name": "http", "protocol": "HTTP"},
                {"number": 81, "name": "x", "protocol": "TCP"},
            ],
            "endpoints": [{"address": "10.0.0.9", "ports": {"http": 8080}}],
        },
    )
    assert targets_of(world) == [("entry", 80, 8080), ("entry", 81, 81)]


def workload(world, **spec):
    return world.add("WorkloadEntry", "vm", {"address": "10.0.0.9", **spec})


def test_a_workload_entry_with_the_pods_address_stands_in_its_place(world):
    world.service("web", port(80)).service("vm", port(90, 9090), port(91, "named", "other"))
    workload(world, labels={"app": "vm"}, ports={"named": 9191})
    assert targets_of(world) == [("vm", 90, 9090), ("vm", 91, 9191)]


def test_a_workload_entry_is_not_behind_headless_services_or_named_ports_that_it_lacks(world):
    world.service("vm", port(90, "missing")).service("hl", port(91), ip="None", selector={"app": "vm"})
    workload(world, labels={"app": "vm"})
    assert targets_of(world) == []


def test_a_workload_entry_without_labels_stands_in_the_pods_place_too(world):
    """istiod gives every one a label of its own (AugmentLabels)."""
    world.service("web", port(80))
    workload(world)
    assert targets_of(world) == []


def test_a_workload_entry_of_another_namespace_brings_its_own_services(world):
    world.service("web", port(80)).service("vm", port(90), namespace="pay")
    world.add("WorkloadEntry", "vm", {"address": "10.0.0.9", "labels": {"app": "vm"}}, namespace="pay")
    assert targets_of(world) == [("vm", 90, 90)]


def test_of_several_workload_entries_that_of_the_pods_name_or_namespace_counts(world):
    for name in ("vm", "a", "web-0", "b"):
        world.service(name, port(80))
        world.add("WorkloadEntry", name, {"address": "10.0.0.9", "labels": {"app": name}})
    world.add("WorkloadEntry", "other", {"address": "10.0.0.9", "labels": {"app": "vm"}}, namespace="alpha")
    assert targets_of(world) == [("web-0", 80, 80)]
    world.documents = [each for each in world.documents if each["metadata"]["name"] != "web-0"]
    assert targets_of(world) == [("a", 80, 80)]


def test_a_workload_entry_that_fails_its_health_checks_is_nobody(world):
    world.service("web", port(80))
    checked = {"proxy.istio.io/health-checks-enabled": "true"}
    world.add("WorkloadEntry", "vm", {"address": "10.0.0.9", "labels": {"app": "vm"}}, annotations=checked)
    assert targets_of(world) == [("web", 80, 80)]


def test_a_target_is_named_by_host_and_port(world):
    world.service("web", port(80)).pod("web-0")
    assert targets(world.mesh())[0].name == "web.shop.svc.cluster.local:80"
