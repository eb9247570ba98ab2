"""A stranger's call may mean a service that the mesh has and the client's proxy is not told of."""

from __future__ import annotations

import pytest

from analyzer.mesh.proxy import proxy_of
from analyzer.verdict.out_of_scope import scope_step
from analyzer.verdict.question import Question

WEB, DB = "10.96.0.1", "10.96.0.2"


@pytest.fixture
def step(town):
    """A function that gives the step about a call of ``shop/sleep-0``, after YAML of one's own."""
    town.pod("shop/sleep-0").pod("data/db-0", "10.1.0.9").pod("data/kv-0", "10.1.0.8")
    town.service("shop/web", WEB).service("data/db", DB).service("data/kv", headless=True, ports=("tcp:80:80",))

    def tell(address, *, host=None, port=80):
        mesh = town.mesh()
        question = Question("shop", "sleep-0", address=address, port=port, host=host)
        return scope_step(mesh, proxy_of(mesh, mesh.pod("shop", "sleep-0")), question)

    return tell


@pytest.fixture
def narrow(town):
    """The pods of ``shop`` are told of their own namespace only."""
    return town.rule("Sidecar", "shop/default", egress=[{"hosts": ["./*"]}])


@pytest.mark.usefixtures("narrow")
def test_the_address_of_a_service_that_a_sidecar_leaves_out(step) -> None:
    found = step(DB)

    assert found.sentence == "Service data/db is meant, which Sidecar shop/default leaves out of its egress hosts"
    assert [place.field for place in found.yaml] == ["spec.egress", "metadata.name"]
    assert found.code == "out-of-scope"


@pytest.mark.parametrize("host", ["db.data", "db.data.svc", "db.data.svc.cluster.local:80", "DB.data"])
@pytest.mark.usefixtures("narrow")
def test_the_name_of_a_service_that_a_sidecar_leaves_out(step, host) -> None:
    assert "Service data/db" in step("203.0.113.9", host=host).sentence


@pytest.mark.usefixtures("narrow")
def test_a_pod_behind_a_headless_service(step) -> None:
    assert "Service data/kv" in step("10.1.0.8").sentence
    assert step("10.1.0.9") is None


def test_a_service_that_is_not_exported(step, town) -> None:
    town.service("data/own", "10.96.0.3", annotations={"networking.istio.io/exportTo": "."})

    found = step("10.96.0.3")

    assert found.sentence == "Service data/own is meant, which is not exported to namespace shop"


@pytest.mark.usefixtures("narrow")
def test_a_service_that_the_proxy_knows_is_not_out_of_scope(step) -> None:
    assert step(WEB) is None
    assert step("203.0.113.9", host="web") is None


@pytest.mark.usefixtures("narrow")
def test_a_stranger_is_a_stranger(step) -> None:
    assert step("203.0.113.9", host="www.example.com") is None
    assert step(DB, port=81) is None
