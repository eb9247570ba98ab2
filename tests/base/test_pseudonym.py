"""Pseudonyms keep what decisions look at, and nothing else."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hpack.huffman import HuffmanEncoder
from hpack.huffman_constants import REQUEST_CODES, REQUEST_CODES_LENGTH
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.base.pseudonym import Pseudonyms, masked

NAMES = Pseudonyms(b"k" * 32, frozenset({"svc", "local"}))
WORDS = st.text("abcdefghijklmnopqrstuvwxyz0123456789ABCXYZ", min_size=1, max_size=12)


@settings(max_examples=100, deadline=None)
@given(WORDS, WORDS)
def test_different_words_stay_different_and_equal_ones_equal(one, other):
    assert (NAMES.word(one) == NAMES.word(other)) is (one == other)


@settings(max_examples=100, deadline=None)
@given(WORDS)
def test_a_pseudonym_is_as_long_as_the_word_in_plain_and_in_huffmans_code(word):
    encoder = HuffmanEncoder(REQUEST_CODES, REQUEST_CODES_LENGTH)

    assert len(NAMES.word(word)) == len(word)
    assert len(encoder.encode(NAMES.word(word).encode())) == len(encoder.encode(word.encode()))
    assert len(encoder.encode(masked(word).encode())) == len(encoder.encode(word.encode()))


def test_words_that_begin_alike_do_so_afterwards():
    assert NAMES.word("loginpage").startswith(NAMES.word("login"))


def test_another_key_gives_other_pseudonyms():
    assert Pseudonyms(b"x" * 32, frozenset()).text("customer orders") != NAMES.text("customer orders")


@pytest.mark.parametrize("kept", ["svc", "SVC", "9080", "v1", "v1beta1", "", "-._/"])
def test_words_of_the_vocabulary_and_short_numbers_stay(kept):
    assert NAMES.text(kept) == kept


def test_only_the_given_words_are_replaced():
    assert NAMES.text("orders customers", frozenset({"orders"})) == f"{NAMES.word('orders')} customers"


def test_the_case_of_a_host_does_not_count():
    assert NAMES.host("Orders.SHOP.svc").lower() == NAMES.host("orders.shop.svc")
    assert NAMES.host("ORDERS").isupper()
    assert NAMES.host("svc.Local") == "svc.Local"


@settings(max_examples=100, deadline=None)
@given(st.ip_addresses(v=4))
def test_addresses_keep_their_length(address):
    assert len(NAMES.address(str(address))) == len(str(address))
    assert NAMES.packed(address.packed) == ip_address(NAMES.address(str(address))).packed


def test_addresses_of_one_network_stay_in_one():
    one, other, third = map(NAMES.address, ("10.244.1.10", "10.244.1.11", "10.244.2.10"))

    assert one.rpartition(".")[0] == other.rpartition(".")[0] != third.rpartition(".")[0]
    assert one != "10.244.1.10"
    assert one.startswith("10.244.")


@pytest.mark.parametrize("special", ["127.0.0.6", "0.0.0.0", "169.254.169.254", "224.0.0.1", "::1", "::6", "ff02::1"])
def test_addresses_that_mean_something_stay(special):
    assert NAMES.address(special) == special


def test_addresses_in_texts_are_replaced():
    told = NAMES.text("10.244.1.10:9080 [2001:db8::7]:80 300.1.2.3 12:30:45")

    assert told == f"{NAMES.address('10.244.1.10')}:9080 [{NAMES.address('2001:db8::7')}]:80 300.1.2.3 12:30:45"
    assert "2001:db8::7" not in told


def test_noise_is_as_long_and_begins_alike_where_the_bytes_do():
    one, other = NAMES.noise(b"PING 1"), NAMES.noise(b"PING 2")

    assert (len(one), one[:5], one[5] != other[5]) == (6, other[:5], True)
    assert min(one) >= 0x80


@pytest.mark.parametrize(
    "text", ["[::2]:80", "[2001:db8::1]:80", "[2001:db8:0:1:1:1:1:1]", "a [1:2:3:4:5:6:7:8] b", "\xdf\xb5"]
)
def test_what_must_be_as_long_is(text):
    assert len(NAMES.fitting(text)) == len(NAMES.host(text)) == len(text)
