import pytest

from analyzer.base.stream import Stream
from analyzer.protocol.direction import roles_reversed

SETTINGS = (4, 0, 0)


@pytest.fixture
def talks(say, client, server) -> dict[str, tuple[bytes, bytes]]:
    """What a client and a server say, of each protocol, from the middle of a connection."""
    ping = say.frame(6, 0, 0, bytes(8))
    priority = say.frame(1, 0x25, 1, bytes(5) + b"\x82\x86\x84")
    return {
        "http/1.1": (say.get(), say.ok()),
        "tls": (say.client_hello(), say.server_hello()),
        "preface": (say.preface, b""),
        "h2": (ping + client.request(7), ping + server.response(7)),
        "priority": (priority + ping, ping),
    }


@pytest.mark.parametrize("protocol", ["http/1.1", "tls", "preface", "h2", "priority"])
def test_who_asks_is_the_client(protocol: str, talks) -> None:
    asked, answered = (Stream.of(data, from_start=False) for data in talks[protocol])

    assert roles_reversed(answered, asked)
    assert not roles_reversed(asked, answered)


@pytest.mark.parametrize("protocol", ["http/1.1", "tls", "h2"])
def test_one_half_is_enough(protocol: str, talks) -> None:
    nothing = Stream.of(b"", from_start=False)
    asked, answered = (Stream.of(data, from_start=False) for data in talks[protocol])

    assert roles_reversed(nothing, asked)
    assert roles_reversed(answered, nothing)


def test_in_doubt_nothing_is_reversed(say) -> None:
    assert not roles_reversed(Stream.of(b"abc"), Stream.of(b"def"))
    assert not roles_reversed(Stream.of(say.get()), Stream.of(say.get()))
    assert not roles_reversed(Stream.of(say.frame(6, 0, 0, bytes(8))), Stream.of(say.frame(6, 0, 0, bytes(8)) * 20))
