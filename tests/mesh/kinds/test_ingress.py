"""Ingresses."""

from __future__ import annotations

from analyzer.mesh.kinds.ingress import Ingress


def read(world, annotations=None, **spec) -> Ingress:
    mesh = world.add("Ingress", "in", spec, annotations=annotations, api="networking.k8s.io/v1").mesh()
    return mesh.of(Ingress)[0]


def test_rules_lead_from_host_and_path_to_a_service(world) -> None:
    backends = [{"service": {"name": "a", "port": {"number": 80}}}, {"service": {"name": "b", "port": {"name": "web"}}}]
    paths = [{"path": "/a", "pathType": "Prefix", "backend": backends[0]}, {"backend": backends[1]}]
    (rule,) = read(world, rules=[{"host": "a.com", "http": {"paths": paths}}]).rules
    assert rule.host == "a.com"
    assert [(p.path, p.type, p.service, p.port) for p in rule.paths] == [
        ("/a", "Prefix", "a", 80),
        ("", "", "b", "web"),
    ]


def test_a_rule_without_host_takes_all_and_one_without_paths_does_not_count(world) -> None:
    found = read(world, rules=[{"http": {"paths": []}}, {"host": "a.com"}])
    assert [rule.host for rule in found.rules] == ["*"]


def test_a_backend_that_is_no_service_has_none(world) -> None:
    backend = {"resource": {"kind": "Bucket", "name": "x"}}
    (rule,) = read(world, rules=[{"http": {"paths": [{"backend": backend}]}}]).rules
    assert rule.paths[0].service == ""


def test_its_class_stands_in_a_field_or_in_the_older_annotation(world) -> None:
    assert read(world, ingressClassName="mine").class_name == "mine"
    assert read(world, {"kubernetes.io/ingress.class": "istio"}).annotated_class == "istio"


def test_certificates_are_for_hosts(world) -> None:
    found = read(world, tls=[{"hosts": ["a.com"], "secretName": "s"}, {"secretName": "t"}])
    assert [(tls.hosts, tls.secret) for tls in found.tls] == [(("a.com",), "s"), (("*",), "t")]
