"""Runs made by hand: one of every kind of call, a hostile one, and a long one."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzer.base.fact import replace
from analyzer.base.place import YamlPlace
from analyzer.extraction import sheets_for
from analyzer.flow.connection import Endpoint
from analyzer.mesh.load import load_mesh
from analyzer.pipeline import analyze_and_ask
from analyzer.verdict.decision import Candidate, Decision, Inbound, LocalResponse, Outbound, Step
from analyzer.verdict.record import Analysis, Finding, Observed
from made.calls import CAPTURE, CODES, NO_ROUTE, OBSERVED_DIFFERS, OUT_OF_SCOPE, START_NS, WEB, at, make_call, yaml
from made.runs import HOSTILE, analysis_of, shop_calls

SHOP = Path(__file__).resolve().parents[2] / "captures" / "shop-default"


@pytest.fixture(scope="session")
def codes():
    return CODES


@pytest.fixture(scope="session")
def shop():
    """Eleven calls: every verdict, both kinds of undetermined, a gateway, and a disagreement."""
    calls = shop_calls()
    findings = (
        Finding(
            OBSERVED_DIFFERS,
            "1 call of shop/web-0 to reviews:9080 was reset, though the mesh sends it to reviews.",
            (calls[3].id,),
            (yaml("reviews", 12),),
            (at(48),),
            OBSERVED_DIFFERS.advice,
            calls[3].first_ns,
        ),
        Finding(
            NO_ROUTE,
            "2 calls of shop/web-0 to ratings:9080 match no route and get 404 from the sidecar.",
            (calls[4].id, calls[5].id),
            (yaml("routes", 44), yaml("routes", 52)),
            (at(56), at(66)),
            NO_ROUTE.advice,
            calls[4].first_ns,
        ),
        Finding(
            OUT_OF_SCOPE,
            "1 call of shop/web-0 to api.stripe.com:443 leaves the mesh unrouted.",
            (calls[6].id,),
            (yaml("istio", 9),),
            (),
            OUT_OF_SCOPE.advice,
            calls[6].first_ns,
        ),
    )
    return analysis_of(calls, findings, ("flows: 65536 at once; 3 were closed early",))


@pytest.fixture(scope="session")
def bare():
    """A run without mesh input, findings or limits."""
    calls = (make_call(1, Decision(None, None, ("no-mesh",)), host="reviews", legs=False),)
    return replace(analysis_of(calls), mesh=None)


@pytest.fixture(scope="session")
def empty():
    return Analysis((), (), (), (), None)


@pytest.fixture(scope="session")
def hostile_names():
    return HOSTILE


@pytest.fixture(scope="session")
def hostile():
    """Every field that comes from the wire or from YAML holds something that wants out."""
    calls = []
    for number, name in enumerate(HOSTILE, 1):
        step = Step(f"Host {name} is nobody's.", (at(3, name),), (YamlPlace(name, 3),), (Candidate(name, name, ()),))
        decision = Decision(
            "dropped",
            "no-route",
            outbound=Outbound(name, name, name, name, name, name, response=LocalResponse(404, "NR")),
            inbound=Inbound(name, name, name, True),
            steps=(step,),
        )
        seen = Observed(404, "envoy", "client", name, 5, "local-reply", False, name)
        calls.append(
            make_call(
                number,
                decision,
                host=name,
                path=name,
                method=name,
                sni=name,
                alpn=(name,),
                observed=seen,
                pod=name,
                server_pod=name,
                capture=name,
            )
        )
    finding = Finding(
        NO_ROUTE, HOSTILE[0], (calls[0].id,), (YamlPlace(HOSTILE[0], 1),), (at(1, HOSTILE[10]),), HOSTILE[2]
    )
    return analysis_of(calls, (finding,), HOSTILE[:3])


@pytest.fixture(scope="session")
def many():
    """A function: a run of that many calls, of the kinds of the shop in turn, many of them alike."""

    def build(count):
        kinds = shop_calls()
        calls = []
        for number in range(1, count + 1):
            kind = kinds[number % len(kinds)]
            calls.append(
                replace(
                    kind,
                    id=f"{number:08x}",
                    client=Endpoint(WEB, 1024 + number % 60000),
                    request=1 + number // 60000,
                    first_ns=START_NS + number * 1_000_000,
                    last_ns=START_NS + number * 1_000_000 + 900_000,
                    packets=((CAPTURE, 10 * number + 1, 10 * number + 9),),
                )
            )
        return analysis_of(calls)

    return build


@pytest.fixture(scope="session")
def crowd(shop):
    """A run of 400 calls of which no two share a row."""
    calls = tuple(replace(shop.calls[0], id=str(n), host=f"host-{n}", first_ns=START_NS + n) for n in range(1, 401))
    return replace(shop, calls=calls, findings=())


@pytest.fixture(scope="session")
def sheeted():
    """The recorded shop with what its captures tell beside the calls: ``(analysis, sheets)``."""
    captures = [str(SHOP / "pods")]
    mesh = load_mesh([SHOP / "mesh"])
    analysis, asked, spoken = analyze_and_ask(captures, mesh)
    return analysis, sheets_for(captures, mesh, asked, spoken)
