"""Opening what was sealed, with vectors of the RFCs."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

from analyzer.base.errors import UsageError
from analyzer.protocol import crypto

KEY, NONCE = bytes(range(16)), bytes(12)


def test_what_was_sealed_is_opened() -> None:
    assert crypto.open_aes_gcm(KEY, NONCE, AESGCM(KEY).encrypt(NONCE, b"said", b"head"), b"head") == b"said"
    assert crypto.open_chacha20(KEY * 2, NONCE, ChaCha20Poly1305(KEY * 2).encrypt(NONCE, b"said", b""), b"") == b"said"


@pytest.mark.parametrize("sealed", [b"", b"short", bytes(64)])
def test_what_the_key_does_not_fit_is_none(sealed) -> None:
    assert crypto.open_aes_gcm(KEY, NONCE, sealed, b"") is None
    assert crypto.open_chacha20(KEY * 2, NONCE, sealed, b"") is None


def test_blocks_in_a_chain() -> None:
    context = Cipher(algorithms.AES(KEY), modes.CBC(bytes(16))).encryptor()
    sealed = context.update(b"sixteen bytes of") + context.finalize()

    assert crypto.aes_cbc(KEY, bytes(16), sealed) == b"sixteen bytes of"


@pytest.mark.parametrize(("vector", "sealed"), [(bytes(16), b""), (bytes(16), bytes(15)), (bytes(3), bytes(16))])
def test_what_is_no_whole_number_of_blocks_is_none(vector, sealed) -> None:
    assert crypto.aes_cbc(KEY, vector, sealed) is None


def test_labels_of_tls_1_3_are_expanded_as_rfc_9001_shows() -> None:
    """Appendix A.1."""
    initial = crypto.hkdf_extract(
        bytes.fromhex("38762cf7f55934b34d179ae6a4c80cadccbb7f0a"), bytes.fromhex("8394c8f03e515708")
    )
    client = crypto.expand_label(initial, "client in", 32)

    assert client.hex() == "c00cf151ca5be075ed0ebfb5c80323c42d6b7db67881289af4008f1f6c357aea"
    assert crypto.expand_label(client, "quic hp", 16).hex() == "9f50449e04a0e810283a1e9933adedd2"


def test_the_function_of_tls_1_2_gives_as_much_as_is_asked_for() -> None:
    whole = crypto.prf(b"secret", b"label", b"seed", 100, "sha256")

    assert len(whole) == 100
    assert crypto.prf(b"secret", b"label", b"seed", 40, "sha256") == whole[:40]


def test_a_missing_package_is_said_with_the_way_to_get_it(monkeypatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)

    assert not crypto.can_open()
    with pytest.raises(UsageError, match=r"--keylog: .*pip install 'meshverdict\[crypto\]'"):
        crypto.require_crypto("--keylog")


def test_a_package_that_is_there_is_no_matter() -> None:
    crypto.require_crypto("--keylog")
