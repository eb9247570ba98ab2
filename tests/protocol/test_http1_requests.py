import pytest

from analyzer.base.stream import Stream
from analyzer.protocol.http1_requests import walk_requests


def walk(data: bytes | Stream, notes, **options):
    stream = data if isinstance(data, Stream) else Stream.of(data)
    return list(walk_requests(stream, 0, notes, **options))


def targets(found) -> list[str]:
    return [one.request.target for one in found]


def test_pipelined_requests_are_told_apart(say, notes) -> None:
    data = b"".join(say.get(f"/{i}", f"p{i}.example") for i in range(3))

    found = walk(data, notes)

    assert [(one.request.target, one.request.host) for one in found] == [
        ("/0", "p0.example"),
        ("/1", "p1.example"),
        ("/2", "p2.example"),
    ]
    assert found[1].request.start == found[0].request.body_end


def test_a_request_inside_a_body_is_none(say, notes) -> None:
    body = say.get("/evil", "evil.example")

    found = walk(say.get("/a", more=f"Content-Length: {len(body)}\r\n") + body + say.get("/b"), notes)

    assert targets(found) == ["/a", "/b"]


def test_a_body_runs_through_a_gap(say, notes) -> None:
    data = say.get("/a", more="Content-Length: 100\r\n") + bytes(100) + say.get("/b")
    end = len(say.get("/a", more="Content-Length: 100\r\n"))

    found = walk(say.stream(data, gap=(end + 10, end + 90)), notes)

    assert targets(found) == ["/a", "/b"]
    assert not found[1].after_loss


def test_a_chunked_request_ends_with_its_trailers(say, notes) -> None:
    data = say.get("/a", more="Transfer-Encoding: chunked\r\n") + b"3\r\nabc\r\n0\r\nT: v\r\n\r\n"

    found = walk(data + say.get("/b"), notes)

    assert targets(found) == ["/a", "/b"]
    assert found[0].request.body_end == len(data)


@pytest.mark.parametrize(("line", "target"), [("GET /a", "/a"), ("GET HTTP/1.1", "HTTP/1.1")])
def test_a_request_with_a_host_needs_no_version(line: str, target: str, notes, codes) -> None:
    (found,) = walk(f"{line}\r\nHost: h\r\n\r\n".encode(), notes)

    assert (found.request.target, found.request.host, found.request.version) == (target, "h", "http/1.0")
    assert codes(notes) == ["http1-no-version"]


def test_a_line_without_version_and_host_is_no_request(notes, codes) -> None:
    assert walk(b"GET /a\r\nAccept: */*\r\n\r\n", notes) == []
    assert codes(notes) == ["http1-not-a-request"]


def test_several_hosts_are_joined_as_envoy_joins_them(notes, codes) -> None:
    found = walk(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", notes)

    assert found[0].request.host == "a,b"
    assert codes(notes) == ["http1-several-hosts"]


def test_a_host_that_is_none_is_told(notes, codes) -> None:
    assert walk(b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", notes)[0].request.refused == 400
    assert codes(notes) == ["http1-bad-host"]


def test_without_a_host_there_is_none(notes) -> None:
    assert walk(b"GET / HTTP/1.0\r\n\r\n", notes)[0].request.host is None
    assert walk(b"GET / HTTP/1.1\r\nHost:\r\n\r\n", notes)[0].request.host == ""


@pytest.mark.parametrize(
    ("target", "noted"), [("http://a.example/x", []), ("http://b?x", ["http1-absolute-form-mismatch"])]
)
def test_an_absolute_target_is_compared_with_the_host(target: str, noted, say, notes, codes) -> None:
    found = walk(say.get(target, "A.example"), notes)

    assert (found[0].request.target, found[0].request.host) == (target, "A.example")
    assert codes(notes) == noted


def test_a_method_that_envoy_does_not_know_is_noted(say, notes, codes) -> None:
    assert walk(say.get(method="BREW"), notes)[0].request.method == "BREW"
    assert codes(notes) == ["http1-unknown-method"]


@pytest.mark.parametrize(
    ("request_head", "leaves"),
    [
        (b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", True),
        (b"GET / HTTP/1.1\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n", True),
        (b"GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n", False),
        (b"GET / HTTP/1.1\r\nConnection: upgrade\r\n\r\n", False),
    ],
)
def test_connect_and_upgrade_may_leave_http(request_head: bytes, leaves: bool, notes) -> None:
    assert walk(request_head, notes)[0].leaves_http is leaves


@pytest.mark.parametrize("header", ["Content-Length: 1_0", "Transfer-Encoding: gzip"])
def test_nothing_behind_broken_framing_is_a_request(header: str, say, notes) -> None:
    data = say.get("/a", more=f"{header}\r\n") + say.get("/smuggled")

    found = walk(say.stream(data, cuts=[data.index(b"GET /smuggled")]), notes)

    assert targets(found) == ["/a"]
    assert found[0].request.body_end is None


def test_garbage_after_a_request_ends_the_walk(say, notes, codes) -> None:
    assert targets(walk(say.get("/a") + b"some garbage\r\n" + say.get("/b"), notes)) == ["/a"]
    assert "http1-not-a-request" in codes(notes)


def test_a_head_that_is_still_coming_is_incomplete(notes) -> None:
    (found,) = walk(b"GET /a HTTP/1.1\r\nHost: a\r\nX-", notes)

    assert (found.request.host, found.request.body_end) == ("a", None)
    assert found.missing == ("head-incomplete",)
    assert notes.missing == ("head-incomplete",)


def test_a_host_inside_a_gap_is_not_known(say, notes) -> None:
    first, cut, third = say.get("/1", "first.example"), say.get("/2", "lost.example"), say.get("/3", "third.example")
    data = first + cut + third
    begin = len(first) + cut.index(b"lost")

    found = walk(say.stream(data, gap=(begin, begin + 9), cuts=[len(first + cut)]), notes)

    assert [(one.request.target, one.request.host) for one in found] == [
        ("/1", "first.example"),
        ("/2", None),
        ("/3", "third.example"),
    ]
    assert found[1].missing == ("gap",)
    assert found[2].after_loss


def test_after_a_lost_request_line_the_next_segment_is_tried(say, notes) -> None:
    first, lost, third = say.get("/1"), say.get("/2"), say.get("/3")

    stream = say.stream(first + lost + third, gap=(len(first), len(first) + 5), cuts=[len(first + lost)])

    assert targets(walk(stream, notes)) == ["/1", "/3"]
    assert notes.missing == ("gap",)


def test_after_a_lost_chunk_the_next_segment_is_tried(say, notes) -> None:
    first = say.get("/1", more="Transfer-Encoding: chunked\r\n")
    body = b"3\r\nabc\r\n3\r\nGET\r\n0\r\n\r\n"
    stream = say.stream(
        first + body + say.get("/2"), gap=(len(first) + 7, len(first) + 9), cuts=[len(first), len(first + body)]
    )

    found = walk(stream, notes)

    assert targets(found) == ["/1", "/2"]
    assert [one.after_loss for one in found] == [False, True]


def test_a_head_beyond_all_limits_ends_the_walk(notes) -> None:
    head = b"GET /a HTTP/1.1\r\nHost: slow.example\r\n" + b"X: y\r\n" * 40_000

    (found,) = walk(head, notes)

    assert found.request.host == "slow.example"
    assert found.missing == ("head-incomplete",)


def test_what_follows_a_lost_beginning_is_marked(say, notes) -> None:
    assert [one.after_loss for one in walk(say.get() + say.get(), notes, after_loss=True)] == [True, False]
