"""Requests that can be read in two ways: what Envoy does with them decides, not what a reader makes of them."""

from dataclasses import replace

import pytest

ACCEPT, AGENT = b"Accept: */*", b"User-Agent: curl/7.88.1"
BOTH = AGENT + b"\r\n" + ACCEPT
# As long as what they stand for.
SHAPES = {
    "two lengths": (BOTH, b"Content-Length: 0\r\nContent-Length: 0", 400),
    "a length that is no number": (AGENT, b"Content-Length: 00000x0", 400),
    "another coding than chunked": (AGENT, b"Transfer-Encoding: gzip", 501),
    "a name that is no token": (ACCEPT, b"Ac ept: */*", 400),
    "a control character": (ACCEPT, b"Accept: *\x01*", 400),
    "a method that nobody knows": (b"GET /", b"GOT /", 400),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_what_envoy_refuses_is_not_routed(recording, tmp_path, shape) -> None:
    sent, instead, status = SHAPES[shape]

    def to_sidecar(packets):
        return [
            replace(each, body=each.body.replace(sent, instead)) if 15001 in each.ports else each for each in packets
        ]

    changed = {name: to_sidecar(packets) for name, packets in recording.taps.items()}
    hit = {
        each.ports[0]
        for name, packets in recording.taps.items()
        for each, other in zip(packets, changed[name], strict=True)
        if each.body != other.body
    }

    calls = recording.calls(tmp_path, to_sidecar)
    decided = [call for call in calls if call["client"]["port"] in hit and call["outbound"] and call["method"]]
    routed = [call for call in decided if (call["outbound"]["response"] or {}).get("code") != status]
    refused = [call for call in decided if call not in routed]

    assert len(refused) > 10
    assert {(call["verdict"], *call["undetermined"]) for call in refused} == {(None, "bad-request")}
    assert [call["outbound"]["route_config"] for call in routed if call["outbound"]["route_config"]] == []
