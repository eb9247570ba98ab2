"""Absence in the input only means absence in the mesh where the input looks whole."""

from __future__ import annotations

from analyzer.verdict.lint.evidence import (
    client_namespaces,
    has_clients,
    shows_gateway_pods,
    shows_namespace,
    shows_pods,
    shows_services,
    without_proxy,
)


def test_pods_are_shown_where_there_are_some(make, mesh_of):
    mesh = mesh_of(make.pod("shop/a"))

    assert shows_pods(mesh, "shop")
    assert not shows_pods(mesh, "pay")


def test_namespaces_in_the_input_mean_that_it_is_a_whole_cluster(make, mesh_of):
    mesh = mesh_of(make.namespace("pay"), make.pod("shop/a"), make.service("shop/a"))

    assert shows_pods(mesh, "pay")
    assert shows_services(mesh, "pay")


def test_services_are_shown_where_there_are_some(make, mesh_of):
    mesh = mesh_of(make.service("shop/a"))

    assert shows_services(mesh, "shop")
    assert not shows_services(mesh, "pay")


def test_clients_live_where_proxies_are(make, mesh_of):
    mesh = mesh_of(
        make.namespace("empty"), make.pod("shop/a"), make.pod("pay/b", sidecar=False), make.pod("edge/g", router=True)
    )

    assert client_namespaces(mesh) == ("edge", "shop")
    assert has_clients(mesh, "shop")
    assert not has_clients(mesh, "pay")


def test_without_pods_every_namespace_may_have_clients(make, mesh_of):
    mesh = mesh_of(make.service("shop/a"), make.virtual_service("pay/r", ["x"]))

    assert client_namespaces(mesh) == ("pay", "shop")
    assert has_clients(mesh, "elsewhere")


def test_finished_pods_and_proxies_are_left_out(make, mesh_of):
    done = make.pod("shop/job", sidecar=False)
    done["status"]["phase"] = "Succeeded"
    mesh = mesh_of(make.pod("shop/a"), make.pod("shop/plain", sidecar=False), done)

    assert [pod.name for pod in without_proxy(mesh.pods)] == ["plain"]


def test_a_namespace_is_shown_by_anything_in_it(make, mesh_of):
    mesh = mesh_of(make.service("shop/a"))

    assert shows_namespace(mesh, "shop")
    assert not shows_namespace(mesh, "pay")
    assert shows_namespace(mesh_of(make.namespace("shop")), "pay")


def test_gateway_pods_are_shown_by_one_of_them_or_a_whole_cluster(make, mesh_of):
    assert shows_gateway_pods(mesh_of(make.pod("edge/g", router=True)))
    assert shows_gateway_pods(mesh_of(make.namespace("shop"), make.pod("shop/p")))
    assert not shows_gateway_pods(mesh_of(make.pod("shop/p")))
