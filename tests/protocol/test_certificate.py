import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.protocol.certificate import MAX_NAMES, subject_alt_names

SAN = bytes((0x55, 0x1D, 0x11))


def element(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def certificate(*names: tuple[int, bytes], oid: bytes = SAN) -> bytes:
    listed = element(0x30, b"".join(element(tag, name) for tag, name in names))
    extension = element(0x30, element(0x06, oid) + element(0x01, b"\xff") + element(0x04, listed))
    extensions = element(0xA3, element(0x30, element(0x30, element(0x06, b"\x55\x1d\x0f")) + extension))
    return element(0x30, element(0x30, element(0x02, b"\x01") + extensions) + element(0x03, bytes(300)))


def test_uri_and_dns_names_are_read_in_order() -> None:
    data = certificate((0x86, b"spiffe://cluster.local/ns/shop/sa/web"), (0x82, b"web.shop"), (0x87, b"\x0a\0\0\1"))

    assert subject_alt_names(data) == ("spiffe://cluster.local/ns/shop/sa/web", "web.shop")


def test_other_extensions_have_no_names() -> None:
    assert subject_alt_names(certificate((0x82, b"web.shop"), oid=b"\x55\x1d\x12")) == ()


def test_a_certificate_cannot_name_without_bound() -> None:
    assert len(subject_alt_names(certificate(*[(0x82, b"x")] * (MAX_NAMES + 5)))) == MAX_NAMES


def test_a_cut_certificate_has_no_names_and_does_not_raise() -> None:
    data = certificate((0x82, b"web.shop"))

    assert {subject_alt_names(data[:n]) for n in range(len(data))} == {()}


@pytest.mark.parametrize("data", [b"\x30\x80\0\0", b"\x30\x85\x01\x01\x01\x01\x01", b"\x31\x02\x05\x00"])
def test_what_is_no_der_certificate_has_no_names(data: bytes) -> None:
    assert subject_alt_names(data) == ()


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 200))
def test_no_bytes_raise(junk: bytes, at: int) -> None:
    data = certificate((0x82, b"web.shop"))

    subject_alt_names(junk)
    subject_alt_names(data[:at] + junk + data[at:])


# openssl req -x509 -newkey ec … -addext "subjectAltName=URI:spiffe://cluster.local/ns/shop/sa/web,DNS:web.shop.svc"
FROM_OPENSSL = base64.b64decode(
    "MIIBtTCCAVugAwIBAgIUWkzCUsE7Lu0bKLLEk4//4z9COk0wCgYIKoZIzj0EAwIwDzENMAsGA1UECgwEdGVzdDAeFw0yNjExMjEw"
    "ODI2NDJaFw0zNjExMTgwODI2NDJaMA8xDTALBgNVBAoMBHRlc3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQ1F8YqlYJtv5+Q"
    "QmXC/zuE/Rc2r4sMjkMne5eLv40ott005WXd6/Na/PwKxijgA8gDm6z1oAboAIY2tjd7ajyXo4GUMIGRMB0GA1UdDgQWBBTCIrwN"
    "ADrcCJBQBrd9LVeabSjq+TAfBgNVHSMEGDAWgBTCIrwNADrcCJBQBrd9LVeabSjq+TAPBgNVHRMBAf8EBTADAQH/MD4GA1UdEQQ3"
    "MDWGJXNwaWZmZTovL2NsdXN0ZXIubG9jYWwvbnMvc2hvcC9zYS93ZWKCDHdlYi5zaG9wLnN2YzAKBggqhkjOPQQDAgNIADBFAiEA"
    "9XRjzaRLseOUiEaw5aA/ahK2n2OzZdpWkLARSn+NBLQCIF9xm2grcBx2S9t7tJfDV7hM9iiRtouZ4gCArgE0AWnr"
)


def test_names_that_openssl_wrote_are_read() -> None:
    assert subject_alt_names(FROM_OPENSSL) == ("spiffe://cluster.local/ns/shop/sa/web", "web.shop.svc")
