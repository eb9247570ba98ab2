"""The nouns of a run."""

from analyzer.flow.connection import Endpoint
from analyzer.verdict.record import APP_TO_SIDECAR, DIRECT, SIDECAR_TO_APP, SIDECAR_TO_UPSTREAM, Leg, Observed


def test_legs_have_the_documented_roles() -> None:
    roles = {APP_TO_SIDECAR, SIDECAR_TO_UPSTREAM, SIDECAR_TO_APP, DIRECT}
    assert roles == {"app-to-sidecar", "sidecar-to-upstream", "sidecar-to-app", "direct"}


def test_a_leg_is_certain_unless_it_is_said_to_be_likely() -> None:
    assert Leg(DIRECT, "a.pcap", Endpoint("10.0.0.1", 1), Endpoint("10.0.0.2", 2), 1, 2).certain


def test_what_was_not_seen_neither_agrees_nor_disagrees() -> None:
    assert (Observed().agrees, Observed().outcome) == (None, "open")
