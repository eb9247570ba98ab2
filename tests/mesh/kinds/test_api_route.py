"""Routes of the Gateway API: parents, matches, filters, backends."""

import pytest

from analyzer.mesh.kinds.api_route import ApiRoute, prefix_rewrite


def route_of(world, spec, kind="HTTPRoute"):
    return world.add(kind, "r", spec).mesh().of(ApiRoute)[-1]


def test_a_parent_is_a_gateway_of_the_own_namespace_by_default(world):
    (parent,) = route_of(world, {"parentRefs": [{"name": "edge"}]}).parents
    assert (parent.group, parent.kind, parent.namespace, parent.port) == (
        "gateway.networking.k8s.io", "Gateway", "shop", 0,
    )  # fmt: skip
    assert parent.sort_key == "gateway.networking.k8s.io/Gateway/edge//0.shop"


def test_a_rule_without_match_takes_every_path(world):
    (rule,) = route_of(world, {}).rules
    (match,) = rule.matches
    assert match is not None
    assert match.uri is not None
    assert (match.uri.kind, match.uri.value) == ("prefix", "/")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ({}, ("prefix", "/")),
        ({"type": "PathPrefix", "value": "/a/"}, ("prefix", "/a")),
        ({"type": "Exact", "value": "/a/"}, ("exact", "/a/")),
        ({"type": "RegularExpression", "value": "/a.*"}, ("regex", "/a.*")),
    ],
)
def test_paths_become_matchers(world, path, expected):
    (match,) = route_of(world, {"rules": [{"matches": [{"path": path}]}]}).rules[0].matches
    assert match is not None
    assert match.uri is not None
    assert (match.uri.kind, match.uri.value) == expected


def test_headers_query_and_method_become_matchers(world):
    spec = {
        "method": "POST",
        "headers": [{"name": "a", "value": "1"}],
        "queryParams": [{"name": "b", "value": "2", "type": "RegularExpression"}],
    }
    (match,) = route_of(world, {"rules": [{"matches": [spec]}]}).rules[0].matches
    assert match is not None
    assert match.method is not None
    assert match.method.value == "POST"
    assert [(name, each.kind) for name, each in (*match.headers, *match.query)] == [("a", "exact"), ("b", "regex")]


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ({"service": "s.A", "method": "Do"}, ("exact", "/s.A/Do")),
        ({"service": "s.A"}, ("prefix", "/s.A/")),
        ({"method": "Do"}, ("regex", "/[^/]+/Do")),
        ({"service": "s.A", "method": "Do", "type": "RegularExpression"}, ("regex", "/s.A/Do")),
        ({"service": "s.A", "type": "RegularExpression"}, ("regex", "/s.A/.+")),
    ],
)
def test_a_grpc_method_is_a_path(world, method, expected):
    (match,) = route_of(world, {"rules": [{"matches": [{"method": method}]}]}, "GRPCRoute").rules[0].matches
    assert match is not None
    assert match.uri is not None
    assert (match.uri.kind, match.uri.value) == expected


def test_a_grpc_rule_without_method_or_match_takes_everything(world):
    rules = route_of(world, {"rules": [{"matches": [{}]}, {}]}, "GRPCRoute").rules
    assert rules[0].matches[0] is not None
    assert rules[0].matches[0].uri is None
    assert rules[1].matches == (None,)


def test_opaque_routes_have_no_matches(world):
    assert route_of(world, {"rules": [{"backendRefs": []}]}, "TLSRoute").rules[0].matches == ()
    assert route_of(world, {}, "TCPRoute").rules == ()


def test_filters_are_read(world):
    filters = [
        {"type": "RequestRedirect", "requestRedirect": {"scheme": "https"}},
        {"type": "RequestHeaderModifier", "requestHeaderModifier": {
            "set": [{"name": "A", "value": "1"}], "add": [{"name": "B", "value": "2"}], "remove": ["C"]}},
        {"type": "URLRewrite", "urlRewrite": {"hostname": "h", "path": {"replaceFullPath": "/new"}}},
    ]  # fmt: skip
    (rule,) = route_of(world, {"rules": [{"filters": filters}]}).rules
    assert rule.redirect is not None
    assert rule.redirect.code == 302
    assert rule.headers is not None
    assert (rule.headers.set, rule.headers.add, rule.headers.remove) == ((("a", "1"),), (("b", "2"),), ("c",))
    assert rule.rewrite is not None
    assert (rule.rewrite.authority, rule.rewrite.pattern, rule.rewrite.substitution) == ("h", "/.*", "/new")
    assert rule.unsupported == ""


def test_a_filter_that_istiod_does_not_know_is_named(world):
    assert route_of(world, {"rules": [{"filters": [{"type": "ExtensionRef"}]}]}).rules[0].unsupported == "ExtensionRef"


def test_the_replacement_of_a_prefix_is_kept_apart(world):
    spec = {"type": "URLRewrite", "urlRewrite": {"path": {"replacePrefixMatch": "/v2"}}}
    (rule,) = route_of(world, {"rules": [{"filters": [spec]}]}).rules
    assert (rule.rewrite, rule.prefix_replacement) == (None, "/v2")


def test_backends_are_services_of_weight_one_by_default(world):
    backends = [{"name": "a", "port": 80}, {"name": "b", "namespace": "pay", "weight": 0, "filters": []}]
    first, second = route_of(world, {"rules": [{"backendRefs": backends}]}).rules[0].backends
    assert (first.group, first.kind, first.namespace, first.port, first.weight) == ("", "Service", None, 80, 1)
    assert (second.namespace, second.port, second.weight) == ("pay", None, 0)


def test_a_prefix_is_replaced_or_taken_off(world):
    (match,) = route_of(world, {"rules": [{"matches": [{"path": {"value": "/a"}}]}]}).rules[0].matches
    assert prefix_rewrite(match, "/b/", "").uri == "/b"
    removed = prefix_rewrite(match, "/", "h")
    assert (removed.pattern, removed.substitution, removed.authority) == (r"^/a(/?)(.*)", r"/\2", "h")
    assert prefix_rewrite(None, "/", "").pattern == r"^(/?)(.*)"


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        ("*", ("regex", r"^[a-zA-Z][a-zA-Z0-9+.-]*://[^/\s?#]+$")),
        ("https://a.com", ("exact", "https://a.com")),
        ("https://a*", ("prefix", "https://a")),
        ("https://*.a.com", ("regex", r"https://.*\.a\.com")),
    ],
)
def test_origins_become_matchers(world, origin, expected):
    """conversion.go createCorsFilter."""
    filters = [{"type": "CORS", "cors": {"allowOrigins": [origin, ""]}}]
    cors = route_of(world, {"rules": [{"filters": filters}]}).rules[0].cors
    assert cors is not None
    assert [(each.kind, each.value) for each in cors.origins] == [expected]
    assert not cors.forwards


def test_a_cors_filter_without_its_part_is_none(world):
    assert route_of(world, {"rules": [{"filters": [{"type": "CORS"}]}]}).rules[0].cors is None


@pytest.mark.parametrize(("retry", "times"), [({"codes": [503]}, 2), ({"attempts": 0}, 0), ({"attempts": 5}, 5)])
def test_retries_of_a_rule_are_two_unless_it_says_otherwise(world, retry, times):
    assert route_of(world, {"rules": [{"retry": retry}]}).rules[0].retries == times
    assert route_of(world, {"rules": [{"retry": retry}]}, "GRPCRoute").rules[0].retries is None
