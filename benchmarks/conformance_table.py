"""Writes docs/conformance.md.

    python benchmarks/conformance_table.py WORLDS [--out PAGE] [--jobs N]

WORLDS is the folder of the recorded worlds. Every question and every recorded call of theirs is asked, by topic and by
family, and what does not agree is named. The page is the same bytes for the same code and worlds.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from recorded_worlds import Outcome, compare_captures, compare_routes

PAGE = Path(__file__).resolve().parents[1] / "docs" / "conformance.md"

HEAD = """# Conformance

Written by `benchmarks/conformance_table.py`; do not edit.

A *world* is a mesh that ran: Kubernetes and Istio YAML given to istiod's own configuration code, its output given to
real Envoy sidecars and gateways in network namespaces, with Istio's iptables rules and a kube-proxy of iptables.
Clients made calls; the access logs of the Envoys say what each decided, and tcpdump recorded in every pod. Some
random worlds were only asked of istiod's simulation, not recorded. A call *agrees* when every name that the truth has
is given: verdict, listener, filter chain, virtual host, route, cluster and local answer of the client's side and of a
gateway, filter chain, cluster and mutual TLS of the server's. The model was written with these worlds at hand, so the
figures say what is covered, not how it does on a mesh that nobody has seen.
"""

# What a feature of the worlds is about, in a person's words; a feature that is not here shows under its own name.
FEATURES = {
    "api": "Gateway API: routes, listeners, grants",
    "authz": "AuthorizationPolicy, HTTP",
    "authz_tcp": "AuthorizationPolicy, TCP",
    "capture": "iptables annotations",
    "clients": "odd HTTP clients (Host, path, version)",
    "direct": "calls to a pod's address",
    "dr": "DestinationRule: subsets, TLS, port levels",
    "dr_levels": "DestinationRule of client, service and root namespace",
    "egress": "through an egress gateway",
    "egress_direct": "past an egress gateway",
    "gw_auto": "Gateway AUTO_PASSTHROUGH",
    "gw_from_mesh": "to a gateway from inside the mesh",
    "gw_http": "Gateway, HTTP",
    "gw_https": "Gateway that ends TLS",
    "gw_odd": "gateways, odd clients",
    "gw_passthrough": "Gateway that passes TLS through",
    "gw_redirect": "Gateway that redirects to https",
    "gw_tcp": "Gateway, TCP",
    "gw_tls-tcp": "Gateway that ends TLS of TCP",
    "jwt": "RequestAuthentication",
    "mesh_route": "Gateway API routes on Services",
    "peer": "PeerAuthentication, by direct arrival",
    "se_clash": "ServiceEntries that share hosts, addresses or ports",
    "se_http": "ServiceEntry, HTTP",
    "se_tcp": "ServiceEntry, TCP",
    "se_tls": "ServiceEntry, TLS",
    "se_workload": "ServiceEntry with WorkloadEntry or selector",
    "sidecar_egress": "Sidecar egress hosts",
    "sidecar_ingress": "Sidecar ingress",
    "sidecar_port": "Sidecar egress listeners with a port",
    "stray": "past every gateway and Service",
    "svc_alias": "ExternalName",
    "svc_odd": "odd Services: no selector, named ports, several ports",
    "svc_visible": "exportTo of Services",
    "tcp_clients": "odd TCP clients",
    "tls_clients": "odd TLS clients (SNI, ALPN)",
    "vs_delegate": "VirtualService delegation",
    "vs_host": "VirtualService hosts, wildcards and short names",
    "vs_many": "several VirtualServices for a host",
    "vs_match": "VirtualService HTTP matches and actions",
    "vs_tcp": "VirtualService TCP routes",
    "vs_tls": "VirtualService TLS routes",
}
FAMILIES = {
    "shop": "one small shop under five mesh settings",
    "busy": "the shop, many calls at once, recording begun late",
    "r": "random meshes",
    "q": "random meshes of rarer resources and clients",
    "g": "ingress and egress gateways",
}
# What is behind most disagreements that are left.
_WHY = """None of these is known to be a rule of Istio or Envoy that the model lacks. What is behind them:

- *Chance.* A weight, a percentage, or a balancer between pods that act differently chose in the recording; the
  question does not say which pod: null. A filter chain that is named by its pod's address is not named either.
- *What the question does not tell*: a policy of a gateway asks for the client's address, and a question to a gateway
  has none.
- *What the recording does not tell.* A connection that fails before it stands has no address in the client's log by
  which the server's log could be found, so that the truth knows the client's side only: it says `service-matched`
  where the server's policy closed the connection. The same goes for a log line that was lost, or that was taken for
  another connection's because a port was used again, and for calls that a Service led back to their own pod, which
  time out in the recording.
- *What the recording's clients did not send*: a header with an empty value; a server name that the simulation assumes.
"""
# Why some disagreements with worlds that were not recorded are none with Envoy.
_BEYOND = (
    "the client calls its own address, or a port that its annotations leave out, and iptables keeps that from the "
    "sidecar; the simulation has no iptables. The recorded worlds have such calls too, and there they agree."
)


def main() -> None:
    """Ask everything and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("worlds", type=Path)
    parser.add_argument("--out", type=Path, default=PAGE)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    worlds = sorted(each.parent for each in options.worlds.glob("*/truth.jsonl"))
    with ProcessPoolExecutor(options.jobs) as pool:
        routes = [outcome for found in pool.map(compare_routes, worlds) for outcome in found]
        captures = [outcome for found in pool.map(compare_captures, worlds) for outcome in found]
    options.out.write_text(page(routes, captures), encoding="utf-8")


def page(routes: list[Outcome], captures: list[Outcome]) -> str:
    """The whole page as Markdown."""
    return "\n".join(
        [
            HEAD,
            "## Questions\n",
            f"{_figures(routes)}, asked as `meshverdict route` asks. *Null*: the verdict is left undetermined.\n",
            table("feature", _grouped([o for o in routes if o.truth.get("feature")], feature)),
            "",
            "Worlds without named features, by what happened:\n",
            table("reason", _grouped([o for o in routes if not o.truth.get("feature")], reason)),
            "",
            "All of them, by what was sent:\n",
            table("direction, protocol, TLS", _grouped(routes, wire)),
            "",
            "## Captures\n",
            f"{_figures(captures)}, found in the captures of a world's pods and compared by verdict and cluster.\n",
            table("worlds", _grouped(captures, family)),
            "",
            "## What does not agree\n",
            _WHY,
            *disagreements("question", routes),
            *disagreements("capture", captures),
        ]
    )


def feature(outcome: Outcome) -> str:
    """The topic of a call whose world names it."""
    name = str(outcome.truth["feature"])
    return FEATURES.get(name, name.replace("_", " "))


def reason(outcome: Outcome) -> str:
    """The topic of any other call: why it ended as it did."""
    return f"`{outcome.truth.get('why')}`"


def wire(outcome: Outcome) -> str:
    """What was sent, and where it was judged."""
    return ", ".join(str(outcome.truth.get(key)) for key in ("direction", "protocol", "tls"))


def family(outcome: Outcome) -> str:
    """The family of a world, by the letters of its name."""
    name = re.match(r"[a-z]+", outcome.world)
    key = name[0] if name else outcome.world
    return f"`{key}…`: {FAMILIES.get(key, key)}"


def _grouped(outcomes: Iterable[Outcome], topic: Callable[[Outcome], str]) -> Mapping[str, list[Outcome]]:
    groups: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        groups.setdefault(topic(outcome), []).append(outcome)
    return dict(sorted(groups.items()))


def table(head: str, groups: Mapping[str, list[Outcome]]) -> str:
    """One line per topic: calls, how many agree, how many are null, how many differ."""
    lines = [f"| {head} | calls | agree | null | differ |", "|---|---:|---:|---:|---:|"]
    for topic, outcomes in groups.items():
        agree = sum(outcome.agrees for outcome in outcomes)
        null = sum(bool(outcome.undetermined) for outcome in outcomes)
        lines.append(f"| {topic} | {len(outcomes)} | {agree} | {null} | {len(outcomes) - agree - null} |")
    return "\n".join(lines)


def disagreements(what: str, outcomes: list[Outcome]) -> list[str]:
    """A line for each call that does not agree, in the order of worlds; one for all that iptables decides."""
    differing = [outcome for outcome in outcomes if not outcome.agrees]
    lines = [f"- {what} {_told(outcome)}" for outcome in differing if not outcome.is_beyond_simulation]
    beyond = len(differing) - len(lines)
    if beyond:
        lines.append(f"- {beyond} of worlds that were not recorded: {_BEYOND}")
    return lines or [f"- every {what} agrees"]


def _told(outcome: Outcome) -> str:
    truth = outcome.truth
    said = f"null ({', '.join(outcome.undetermined)}), recorded {truth['verdict']}" if outcome.undetermined else ""
    target = f"{truth['address']}:{truth['port']}" + (f" {truth['host']}" if truth.get("host") else "")
    sentences = "; ".join(outcome.differences) or said
    return f"`{outcome.world}/{truth['name']}` ({wire(outcome)}; {truth['source']} to {target}): {sentences}"


def _figures(outcomes: list[Outcome]) -> str:
    worlds = len({outcome.world for outcome in outcomes})
    return f"**{sum(o.agrees for o in outcomes)} of {len(outcomes)} calls agree**, in {worlds} worlds"


if __name__ == "__main__":
    main()
