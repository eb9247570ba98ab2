import dpkt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.protocol.notes import Notes
from analyzer.protocol.tls_hello import Hello, ServerHello, parse_client_hello, parse_server_hello


def hello_of(body: bytes, notes) -> Hello:
    return parse_client_hello(body, notes, offset=0)


def test_name_protocols_and_versions_are_read(say, notes) -> None:
    versions = say.extension(43, say.vector(1, b"\x03\x04\x03\x03"))
    body = say.hello_body(say.server_name(b"Api.example"), say.alpn(b"h2", b"http/1.1"), versions)

    assert hello_of(body, notes) == Hello("Api.example", ("h2", "http/1.1"), (0x0304, 0x0303))
    assert notes.oddities == []


def test_the_builders_hello_is_one_for_dpkt_too(say) -> None:
    hello = dpkt.ssl.TLSClientHello(say.hello_body(say.server_name(b"a.example")))

    assert hello.extensions == [(0, b"\0\x0c\0\0\x09a.example")]


@pytest.mark.parametrize("extensions", [(), (b"",)])
def test_a_hello_without_extensions_names_nothing(extensions, say, notes) -> None:
    assert hello_of(say.hello_body(*extensions), notes) == Hello(versions=(0x0303,))


def test_grease_is_no_offer(say, notes) -> None:
    versions = say.extension(43, say.vector(1, b"\x1a\x1a\x03\x04"))
    body = say.hello_body(say.extension(0x2A2A, b""), say.alpn(b"\x5a\x5a", b"h2"), versions)

    assert hello_of(body, notes) == Hello(None, ("h2",), (0x0304,))


@pytest.mark.parametrize(
    "data",
    [
        b"\0\0",
        b"\0\x03\0\0\0",
        b"\0\x05\0\0\x09ab",
        b"\0\x04\x07\0\x01a",
        b"\0\x04\0\0\x01a!",
    ],
)
def test_a_malformed_name_is_none_and_no_tls_for_envoy(data: bytes, say, notes, codes) -> None:
    hello = hello_of(say.hello_body(say.extension(0, data)), notes)

    assert (hello.sni, hello.sound) == (None, False)
    assert codes(notes) == ["tls-bad-sni"]


@pytest.mark.parametrize(("name", "sound"), [(b"a\0b", False), (b"a" * 256, False), (b"a" * 255, True)])
def test_a_name_that_boringssl_refuses_is_shown(name: bytes, sound: bool, say, notes) -> None:
    hello = hello_of(say.hello_body(say.server_name(name)), notes)

    assert (hello.sni, hello.sound) == (name.decode(), sound)


@pytest.mark.parametrize("name", [b"<b>", b"a b", b"\x1b[2J", b"\xff", b"=cmd|x", b"../x"])
def test_a_name_that_is_no_host_is_suspicious(name: bytes, say, notes, codes) -> None:
    assert hello_of(say.hello_body(say.server_name(name)), notes).sni == name.decode("latin-1")
    assert codes(notes) == ["tls-suspicious-sni"]


def test_of_two_name_extensions_the_first_counts(say, notes, codes) -> None:
    body = say.hello_body(say.server_name(b"first"), say.alpn(b"h2"), say.alpn(b"h3"), say.server_name(b"second"))

    assert hello_of(body, notes)[:2] == ("first", ("h2",))
    assert codes(notes) == ["tls-several-sni"]


@pytest.mark.parametrize(("data", "is_outer"), [(b"\0rest", True), (b"\x01", False), (b"", False)])
def test_an_outer_hello_is_marked(data: bytes, is_outer: bool, say, notes, codes) -> None:
    hello = hello_of(say.hello_body(say.server_name(b"public"), say.extension(0xFE0D, data)), notes)

    assert hello.ech is is_outer
    assert codes(notes) == ["tls-encrypted-client-hello"] * is_outer


@pytest.mark.parametrize("cut", [1, 30, 36, 40])
def test_a_cut_hello_is_malformed(cut: int, say, notes, codes) -> None:
    assert hello_of(say.hello_body(say.server_name(b"a"))[:cut], notes) == Hello(sound=False)
    assert codes(notes) == ["tls-bad-client-hello"]


def test_a_broken_extension_keeps_what_stood_before_it(say, notes, codes) -> None:
    hello = hello_of(say.hello_body(say.server_name(b"a"), b"\0\x10\0\x09ab"), notes)

    assert (hello.sni, hello.sound) == ("a", False)
    assert codes(notes) == ["tls-bad-client-hello"]


def test_bytes_behind_the_extensions_are_malformed(say, notes) -> None:
    assert not hello_of(say.hello_body(say.server_name(b"a")) + b"x", notes).sound


def test_a_server_hello_tells_version_and_protocol(say) -> None:
    tls12 = b"\x03\x03" + bytes(32) + b"\0\x13\x01\0" + say.vector(2, say.alpn(b"h2"))
    tls13 = b"\x03\x03" + bytes(32) + b"\0\x13\x01\0" + say.vector(2, say.extension(43, b"\x03\x04"))

    assert parse_server_hello(tls12) == ServerHello(0x0303, "h2")
    assert parse_server_hello(tls13) == ServerHello(0x0304, None)
    assert parse_server_hello(tls12[:38]) == ServerHello(0x0303, None)


def test_a_cut_server_hello_is_none() -> None:
    assert parse_server_hello(b"\x03\x03" + bytes(20)) is None


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=120))
def test_no_bytes_raise(body: bytes) -> None:
    parse_client_hello(body, Notes(), offset=0)
    parse_client_hello(b"\x03\x03" + bytes(32) + b"\0\0\x02\x13\x01\x01\0" + body, Notes(), offset=0)
    parse_server_hello(b"\x03\x03" + bytes(32) + b"\0\x13\x01\0" + body)


@pytest.mark.parametrize("kind", [0, 7])
def test_of_several_names_in_a_list_the_first_is_shown_and_the_hello_is_not_sound(kind: int, say, notes, codes) -> None:
    names = b"\0" + say.vector(2, b"one.example") + bytes((kind,)) + say.vector(2, b"two.example")

    hello = parse_client_hello(say.hello_body(say.extension(0, say.vector(2, names))), notes, offset=0)

    assert (hello.sni, hello.sound) == ("one.example", False)
    assert codes(notes) == ["tls-several-sni"]


@pytest.mark.parametrize("twice", [(0, 0), (0, 16), (16, 16), (16, 16, 0)])
def test_a_hello_with_an_extension_twice_is_not_sound(twice: tuple[int, ...], say, notes) -> None:
    one = {0: say.server_name(b"one.example"), 16: say.alpn(b"h2")}

    hello = parse_client_hello(say.hello_body(*(one[kind] for kind in twice)), notes, offset=0)

    assert hello.sound is (len({*twice}) == len(twice))
