"""How a run came to its verdicts, in sentences with the run's own numbers: what a reader must know to trust a page."""

from __future__ import annotations

from analyzer.report.wording import format_count
from analyzer.verdict.record import Analysis


def method_lines(analysis: Analysis) -> tuple[str, ...]:
    """The sentences; what stands between backticks is code."""
    calls = analysis.calls
    agrees = sum(call.observed.agrees is True for call in calls)
    differs = sum(call.observed.agrees is False for call in calls)
    unsure = len(calls) - agrees - differs
    probable = sum(any(not leg.certain for leg in call.legs) for call in calls)
    said = [
        "Every call was decided from the YAML alone, as istiod would configure each Envoy and as Envoy would choose: "
        "redirect, listener, filter chain, virtual host, route, cluster, then the server's sidecar. Each step names "
        "its line and the candidates that lost."
        if analysis.mesh
        else "There was no mesh input: calls are told as the packets show them, and no verdict is given.",
        f"Only then the packets were asked. Of {format_count(len(calls), 'call')} they bear the decision out for "
        f"{agrees:,}, speak against it for {differs:,}, and cannot tell for {unsure:,}. An answer of the application, "
        "even a 503, is no drop.",
        "The halves of a redirected connection were joined by sequence numbers; legs in several captures by addresses, "
        "ports and first sequence number, and requests across sidecars by what both ends show of them. "
        + (
            f"{format_count(probable, 'call')} {'has' if probable == 1 else 'have'} a leg that is only probable, by "
            "addresses and times; it is marked."
            if probable
            else "No leg had to be guessed."
        ),
        "A verdict is one of `service-matched`, `headless-matched`, `passthrough` and `dropped`. Where the evidence "
        "does not settle it, it is left undetermined, and the row says what is missing.",
    ]
    if analysis.mesh:
        sources = format_count(len(analysis.mesh.sources), "file")
        known = sum(count for _, count in analysis.mesh.kinds)
        said.append(
            f"The mesh was read from {sources} with {format_count(known, 'resource')} that count; what it holds and "
            "the model does not (EnvoyFilters, unknown fields) stands with the calls that it might touch."
        )
    return tuple(said)
