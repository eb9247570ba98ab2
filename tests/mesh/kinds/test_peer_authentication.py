"""PeerAuthentication: modes by workload and port, with their places."""

from analyzer.mesh.kinds.peer_authentication import DISABLE, STRICT, UNSET, PeerAuthentication


def policy_of(world, spec):
    return world.add("PeerAuthentication", "default", spec).mesh().of(PeerAuthentication)[0]


def test_a_mode_is_read_with_its_line(world):
    policy = policy_of(world, {"mtls": {"mode": "STRICT"}})
    assert policy.mtls.mode == STRICT
    assert policy.mtls.place.field == "spec.mtls.mode"


def test_a_missing_or_strange_mode_is_unset(world):
    assert policy_of(world, {}).mtls.mode == UNSET
    assert policy_of(world, {"mtls": {"mode": "SOMETIMES"}}).mtls.mode == UNSET


def test_ports_have_modes_of_their_own(world):
    policy = policy_of(
        world, {"selector": {"matchLabels": {"app": "web"}}, "portLevelMtls": {"8080": {"mode": "DISABLE"}, "x": {}}}
    )
    assert policy.selector == {"app": "web"}
    assert {port: setting.mode for port, setting in policy.ports.items()} == {8080: DISABLE}
