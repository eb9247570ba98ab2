"""Names of clusters and destinations."""

from __future__ import annotations

import pytest

from analyzer.base.place import YamlPlace
from analyzer.mesh.kinds.virtual_service import Destination
from analyzer.mesh.outbound.destination import cluster_name, destination_cluster, parse_cluster_name
from analyzer.mesh.registry import services_of

PLACE = YamlPlace("f", 1)


def test_a_cluster_is_named_by_port_subset_and_host() -> None:
    assert cluster_name("web.shop", 80) == "outbound|80||web.shop"
    assert cluster_name("web.shop", 80, "v1") == "outbound|80|v1|web.shop"
    assert parse_cluster_name("outbound|80|v1|web.shop") == (80, "v1", "web.shop")


@pytest.mark.parametrize("name", ["PassthroughCluster", "inbound|80||", "outbound|x||h", "outbound|80|h", "a|b|c|d|e"])
def test_other_names_are_no_outbound_clusters(name: str) -> None:
    assert parse_cluster_name(name) is None


def test_a_destination_without_port_takes_the_listeners() -> None:
    assert destination_cluster(Destination("web", "", None, 0, PLACE), None, 80) == "outbound|80||web"
    assert destination_cluster(Destination("web", "v1", 90, 0, PLACE), None, 80) == "outbound|90|v1|web"


def test_a_service_with_one_port_gives_it(town) -> None:
    service = services_of(town.service("shop/web", "10.9.0.1", ports=("http:8080:80",)).mesh())[0]
    assert destination_cluster(Destination("web", "", None, 0, PLACE), service, 80) == "outbound|8080||web"


def test_an_external_name_leads_on(town) -> None:
    service = services_of(town.alias("shop/out", "a.com").mesh())[0]
    assert destination_cluster(Destination("out", "", None, 0, PLACE), service, 80) == "outbound|80||a.com"


def test_an_invalid_backend_has_no_name() -> None:
    assert destination_cluster(Destination("", "", 80, 0, PLACE), None, 80) == "UnknownService"
