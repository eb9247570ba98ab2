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
    "a host that is none": (b"\r\nHost: ", b"\r\nHost:<>", 400),
}
# In HPACK: a method and a scheme are single bytes of its static table.
SHAPES_OF_HTTP_2 = {
    "two methods and no scheme": (b"\x83\x86@\x0ccontent-type", b"\x83\x83@\x0ccontent-type"),
    "a name in capitals": (b"\x02te\x08trailers", b"\x02tE\x08trailers"),
    "a header about something else": (b"\x02te\x08trailers", b"\x02te\x08trailer!"),
}


@pytest.fixture
def decided(recording, tmp_path):
    """A function that gives the calls of the connections on which the sidecar reads other bytes than were sent."""

    def change(sent: bytes, instead: bytes):
        def to_sidecar(packets):
            return [
                replace(each, body=each.body.replace(sent, instead)) if 15001 in each.ports else each
                for each in packets
            ]

        hit = {
            each.ports[0]
            for packets in recording.taps.values()
            for each, other in zip(packets, to_sidecar(packets), strict=True)
            if each.body != other.body
        }
        calls = recording.calls(tmp_path, to_sidecar)
        return [call for call in calls if call["client"]["port"] in hit and call["outbound"] and call["method"]]

    return change


@pytest.mark.parametrize("shape", SHAPES)
def test_what_envoy_refuses_is_not_routed(decided, shape) -> None:
    sent, instead, status = SHAPES[shape]

    calls = decided(sent, instead)
    routed = [call for call in calls if (call["outbound"]["response"] or {}).get("code") != status]
    refused = [call for call in calls if call not in routed]

    assert len(refused) > 10
    assert {(call["verdict"], *call["undetermined"]) for call in refused} == {(None, "bad-request")}
    assert [call["outbound"]["route_config"] for call in routed if call["outbound"]["route_config"]] == []


@pytest.mark.parametrize("shape", SHAPES_OF_HTTP_2)
def test_over_what_envoy_refuses_of_http_2_it_closes_the_connection(decided, shape) -> None:
    calls = decided(*SHAPES_OF_HTTP_2[shape])

    assert len(calls) > 5
    assert {(call["verdict"], *call["undetermined"]) for call in calls} == {(None, "bad-request")}
    assert [call["outbound"]["response"] for call in calls] == [{"code": None, "flag": "DPE"}] * len(calls)
