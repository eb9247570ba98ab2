"""WorkloadEntries."""

from __future__ import annotations

import pytest

from analyzer.mesh.kinds.workload_entry import WorkloadEntry


def entry_of(town, metadata=None, /, **spec) -> WorkloadEntry:
    town.add("networking.istio.io/v1", "WorkloadEntry", "shop/vm", spec=spec, labels=metadata)
    return town.mesh().of(WorkloadEntry)[0]


def test_labels_of_the_metadata_come_before_those_of_the_spec(town) -> None:
    found = entry_of(town, {"a": "meta"}, address="FD::0:1", labels={"a": "spec", "b": "spec"}, ports={"http": 8080})
    assert found.endpoint.labels == {"a": "meta", "b": "spec"}
    assert (found.endpoint.address, found.endpoint.ports) == ("fd::1", {"http": 8080})


@pytest.mark.parametrize(
    ("labels", "account", "mutual"),
    [
        (None, "", False),
        (None, "vm", True),
        ({"security.istio.io/tlsMode": "istio"}, "", True),
        ({"security.istio.io/tlsMode": "disabled"}, "vm", False),
    ],
)
def test_mutual_tls_is_by_the_label_else_by_the_account(town, labels, account: str, mutual: bool) -> None:
    assert entry_of(town, labels, address="10.0.0.1", serviceAccount=account).endpoint.mutual_tls is mutual
