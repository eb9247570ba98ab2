from analyzer.protocol.facts import Request, Response


def test_a_header_is_found_by_its_first_value() -> None:
    request = Request("http/1.1", "GET", "/", None, (("a", "1"), ("a", "2")), 0, 1)

    assert request.header("a") == "1"
    assert request.header("b") is None


def test_a_response_header_is_found_by_its_first_value() -> None:
    response = Response(200, (("server", "envoy"), ("server", "other")), 0, 1)

    assert response.header("server") == "envoy"
    assert response.header("via") is None
