"""What names nobody."""

from analyzer.base.vocabulary import KEPT_HEADERS, VOCABULARY


def test_words_and_headers_are_in_lower_case():
    assert {word for word in VOCABULARY | KEPT_HEADERS if word != word.lower()} == set()


def test_no_header_that_is_kept_bears_a_credential():
    assert not {"authorization", "cookie", "set-cookie", "x-api-key"} & KEPT_HEADERS
