"""YAML under pseudonyms: other names, the same lines."""

from __future__ import annotations

import pytest

from analyzer.base.pseudonym import Pseudonyms
from analyzer.base.vocabulary import VOCABULARY
from analyzer.mesh.scrub import names_in, scrub_yaml

NAMES = Pseudonyms(b"k" * 32, VOCABULARY)
TEXT = """# of team acme
kind: Service
metadata:
  name: checkout
  namespace: acme
  labels: {tier: checkout, "owner": jane}
  annotations:
    sidecar.istio.io/inject: sidewise
spec:
  clusterIP: 10.96.0.11  # of acme
  selector:
    app: checkout
  ports:
  - {name: http-orders, port: 80}
"""


@pytest.fixture
def scrubbed() -> str:
    return scrub_yaml(TEXT, names_in([TEXT], NAMES), NAMES)


def test_names_go_wherever_they_stand(scrubbed) -> None:
    assert not any(word in scrubbed for word in ("checkout", "acme", "jane", "orders", "10.96.0.11"))


def test_keys_words_of_the_api_and_lines_stay(scrubbed) -> None:
    assert "kind: Service" in scrubbed
    assert f'  labels: {{tier: {NAMES.word("checkout")}, "owner": {NAMES.word("jane")}}}' in scrubbed
    assert f"  - {{name: http-{NAMES.word('orders')}, port: 80}}" in scrubbed
    assert f"  clusterIP: {NAMES.address('10.96.0.11')}" in scrubbed
    assert scrubbed.count("\n") == TEXT.count("\n")


def test_settings_of_istio_name_nobody(scrubbed) -> None:
    assert "sidecar.istio.io/inject: sidewise" in scrubbed


def test_a_port_behind_a_name_makes_no_key_of_it() -> None:
    text = "host: checkout:80\nname: checkout\n"

    assert scrub_yaml(text, names_in([text], NAMES), NAMES).startswith(f"host: {NAMES.word('checkout')}:80")


def test_what_does_not_parse_names_what_stands_before_it() -> None:
    assert names_in(["name: checkout\n---\n{"], NAMES) == {"checkout"}
