"""Mesh settings and their defaults."""

from __future__ import annotations

import pytest

from analyzer.mesh.kinds.mesh_config import parse_duration_ns
from analyzer.mesh.load import parse_mesh


def config_of(text: str):
    return parse_mesh(f"rootNamespace: istio-system\n{text}\n").config


def test_what_is_absent_takes_istios_defaults() -> None:
    found = config_of("")
    assert (found.outbound_policy, found.inbound_policy, found.auto_mtls) == ("ALLOW_ANY", "PASSTHROUGH", True)
    assert (found.trust_domain, found.path_normalization) == ("cluster.local", "BASE")
    assert (found.proxy_listen_port, found.proxy_inbound_listen_port) == (15001, 15006)
    assert found.place("outboundTrafficPolicy", "mode") is None


def test_settings_are_read_with_their_places() -> None:
    found = config_of("enableAutoMtls: false\noutboundTrafficPolicy:\n  mode: REGISTRY_ONLY")
    assert not found.auto_mtls
    assert found.place("outboundTrafficPolicy", "mode").line == 4


def test_a_policy_without_a_mode_has_the_enums_zero_value() -> None:
    assert config_of("outboundTrafficPolicy: {}").outbound_policy == "REGISTRY_ONLY"


@pytest.mark.parametrize(
    ("written", "meant"), [("DEFAULT", "BASE"), ("NONE", "NONE"), ("MERGE_SLASHES", "MERGE_SLASHES")]
)
def test_the_default_normalization_is_base(written: str, meant: str) -> None:
    assert config_of(f"pathNormalization: {{normalization: {written}}}").path_normalization == meant


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("0.3s", 300_000_000),
        ("1m0.5s", 60_500_000_000),
        ("300ms", 300_000_000),
        ("1h", 3_600_000_000_000),
        ("", None),
        ("5", None),
        ("s", None),
        ("1s!", None),
    ],
)
def test_durations_are_read_as_go_writes_them(text: str, ns: int | None) -> None:
    assert parse_duration_ns(text) == ns


def test_protocol_detection_has_no_timeout_unless_one_is_set() -> None:
    assert config_of("").protocol_detection_timeout_ns == 0
    assert config_of("protocolDetectionTimeout: 0.3s").protocol_detection_timeout_ns == 300_000_000


def test_proxies_may_be_told_to_capture_dns_and_speak_http10() -> None:
    found = config_of("defaultConfig: {proxyMetadata: {ISTIO_META_DNS_CAPTURE: 'true', ISTIO_META_HTTP10: '1'}}")
    assert (found.dns_capture, found.http10) == (True, True)


def test_modes_that_do_not_exist_are_an_oddity_and_the_default_counts() -> None:
    mesh = parse_mesh("outboundTrafficPolicy: {mode: SOME}\npathNormalization: {normalization: ODD}\n")
    assert (mesh.config.outbound_policy, mesh.config.path_normalization) == ("ALLOW_ANY", "BASE")
    assert [oddity.code.name for oddity in mesh.oddities[:2]] == ["yaml-wrong-type"] * 2


def test_the_retry_policy_of_the_mesh_replaces_istios() -> None:
    assert config_of("").retries == 2
    assert config_of("defaultHttpRetryPolicy:\n  attempts: 3").retries == 3
    # Without attempts it turns retries off.
    assert config_of("defaultHttpRetryPolicy:\n  retryOn: 5xx").retries == 0
