"""What a pod's iptables were told: arguments before annotations before the injector's values before Istio's default."""

import json

import pytest

from analyzer.mesh.interception import interception_of, parse_ports

OUT = "traffic.sidecar.istio.io/"


def container(*arguments, name="istio-init"):
    return {"initContainers": [{"name": name, "args": ["istio-iptables", *arguments]}]}


def told(world, **pod):
    world.pod("web-0", **pod)
    mesh = world.mesh()
    return interception_of(mesh, mesh.pod("shop", "web-0"))


def injector(world, **proxy):
    values = json.dumps({"global": {"proxy": proxy}}, indent=1)
    return world.add("ConfigMap", "istio-sidecar-injector", namespace="istio-system", data={"values": values})


def test_without_any_word_all_addresses_and_ports_are_taken(world):
    found = told(world)
    assert [found.setting(f"include{each}").text for each in ("OutboundIPRanges", "InboundPorts")] == ["*", "*"]
    assert found.setting("excludeOutboundPorts").text == ""
    assert found.setting("includeInboundPorts").places == ()


def test_an_annotation_names_its_place(world):
    found = told(world, annotations={OUT + "excludeOutboundPorts": " 5432, x,6379"}).setting("excludeOutboundPorts")
    assert found.ports == {5432, 6379}
    assert found.places[0].field == f"metadata.annotations.{OUT}excludeOutboundPorts"


@pytest.mark.parametrize("name", ["istio-init", "istio-validation"])
def test_the_arguments_of_the_init_container_come_before_annotations(world, name):
    arguments = ("-i", "10.96.0.0/12", "-x", "", "-b", "*", "-d", "15090,15021,15020")
    found = told(world, annotations={OUT + "includeOutboundIPRanges": "*"}, **container(*arguments, name=name))
    setting = found.setting("includeOutboundIPRanges")
    assert (setting.text, setting.places[0].field) == ("10.96.0.0/12", "spec.initContainers[0].args")
    assert found.setting("excludeInboundPorts").ports == {15090, 15021, 15020}


def test_an_annotation_that_came_after_injection_made_no_rule(world):
    found = told(world, annotations={OUT + "excludeOutboundPorts": "5432"}, **container("-i", "*", "-b", "*"))
    assert found.setting("excludeOutboundPorts").text == ""


def test_long_flags_are_read_too(world):
    assert told(world, **container("--istio-service-cidr=10.0.0.0/8")).setting("includeOutboundIPRanges").networks


def test_a_flag_that_is_missing_among_arguments_means_nothing_is_taken(world):
    assert told(world, **container("-b", "*")).setting("includeOutboundIPRanges").text == ""


def test_other_init_containers_say_nothing(world):
    assert told(world, **container("-i", "", name="migrate")).setting("includeOutboundIPRanges").text == "*"


def test_the_injector_s_values_stand_for_absent_annotations(world):
    injector(world, includeIPRanges="10.0.0.0/8", excludeOutboundPorts="5432")
    found = told(world, annotations={OUT + "excludeOutboundPorts": "6379"})
    assert found.setting("includeOutboundIPRanges").text == "10.0.0.0/8"
    assert found.setting("excludeOutboundPorts").text == "6379"


@pytest.mark.parametrize(
    ("pod", "app", "passes"),
    [
        ({}, {}, False),
        ({"runAsUser": 1337}, {}, True),
        ({}, {"runAsUser": 1337}, True),
        ({}, {"runAsGroup": 1337}, True),
        ({"runAsUser": 1337}, {"runAsUser": 1000}, False),
    ],
)
def test_an_application_that_runs_as_the_proxy_s_user_passes(world, pod, app, passes):
    containers = [{"name": "app", "securityContext": app}, {"name": "istio-proxy", "args": ["proxy", "sidecar"]}]
    found = told(world, containers=containers, securityContext=pod)
    assert (found.own_user is not None) == passes


def test_the_proxy_s_user_may_be_another(world):
    containers = [{"name": "app", "securityContext": {"runAsUser": 1337}}, {"name": "istio-proxy"}]
    assert told(world, containers=containers, **container("-u", "100001", "-g", "100001")).own_user is None


def test_one_application_of_its_own_user_is_not_enough(world):
    apps = [{"name": "a", "securityContext": {"runAsUser": 1337}}, {"name": "b"}, {"name": "istio-proxy"}]
    assert told(world, containers=apps).own_user is None


def test_what_is_no_number_is_no_port():
    assert parse_ports("80, x,443,999999") == {80, 443}
