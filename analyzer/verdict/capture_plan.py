"""What to record for a question: in which pods, on which interface, with which filter, and how large it becomes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from analyzer.base.errors import UsageError
from analyzer.base.fact import Fact
from analyzer.base.spelling import hint
from analyzer.mesh.endpoints import endpoints_of
from analyzer.mesh.registry import RegistryService, services_of
from analyzer.mesh.snapshot import MeshSnapshot

# What a sidecar says to istiod (15012), its metrics (15020, 15090) and its health (15021): never a call.
_CALLS = "tcp and not port 15012 and not port 15020 and not port 15021 and not port 15090"
_CALLS_AND_DNS = f"({_CALLS}) or port 53"

# tcpdump -s: everything, or what holds a sidecar's ClientHello (1.5 to 2.2 kB) and nearly every head.
WHOLE_PACKETS, HEADS_ONLY = 0, 4096
# From this estimate on bodies are not worth their room.
LARGE = 100_000_000
# A call on a connection of its own with all its headers, as recorded on `any` in a client's pod and on `eth0`.
_CALL_LEN = MappingProxyType({"any": 4_000, "eth0": 2_500})
# Bodies pass lo and eth0.
_COPIES = MappingProxyType({"any": 2, "eth0": 1})
# Of a service's pods so many are recorded: they are alike.
MOST_SERVERS = 3

# RFC 1123, as Kubernetes asks of pods; whoever pastes the line into a shell relies on it.
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")


class Topic(Fact, frozen=True):
    """A question and what answers it: on which ``interface``, in the client's pod, the server's or both."""

    asks: str
    client: bool
    server: bool
    interface: str = "any"
    filter: str = _CALLS
    advice: tuple[str, ...] = ()


class PodRecording(Fact, frozen=True):
    """One tcpdump: ``snap_len`` bytes of each packet (0: all), ``estimated_len`` bytes in all."""

    namespace: str
    pod: str
    interface: str
    filter: str
    snap_len: int
    estimated_len: int
    seconds: int

    @property
    def file(self) -> str:
        """A name from which meshverdict knows whose capture it is."""
        return f"{self.namespace}_{self.pod}.{self.interface}.pcap"


class CapturePlan(Fact, frozen=True):
    """What to record for a question, and what else to know about it."""

    topic: Topic
    recordings: tuple[PodRecording, ...]
    advice: tuple[str, ...] = ()


_BEFORE = "Begin before the calls do: of a connection that is open already only its addresses are known."
_RESTART = "Restart the client when the recording runs: what its connection said at its beginning comes once."

TOPICS: Mapping[str, Topic] = MappingProxyType(
    {
        "where": Topic("Where do its calls go, and why?", client=True, server=False, advice=(_BEFORE,)),
        "refused": Topic(
            "Who refuses: the client's sidecar, the server's, or the application?", client=True, server=True,
            advice=(_BEFORE,),
        ),
        "mtls": Topic(
            "Is it mutual TLS on the wire?", client=False, server=True, interface="eth0",
            advice=("A handshake comes once for many calls.", _RESTART),
        ),
        "names": Topic(
            "Who stands behind what leaves the mesh?", client=True, server=False, filter=_CALLS_AND_DNS,
            advice=("DNS answers are recorded too: they name what no Host and no SNI names.",),
        ),
        "gateway": Topic(
            "What does the gateway do with it? Give the gateway's pod as --from, the server behind it as --to.",
            client=True, server=True, advice=(_BEFORE,),
        ),
        # What analyze says is missing.
        "app-leg-unseen": Topic("Which request was it?", client=True, server=False, advice=(_BEFORE,)),
        "balanced": Topic("Which pod was chosen?", client=True, server=True),
        "first-bytes-incomplete": Topic("What does the client say first?", client=True, server=False),
        "gap": Topic("What stood in the lost bytes?", client=True, server=False,
                     advice=("If tcpdump says that the kernel dropped packets, give it -B 16384.",)),
        "handshake-only": Topic("What came after the handshake?", client=True, server=False),
        "head-incomplete": Topic("What stood in the rest of the head?", client=True, server=False),
        "header-unseen": Topic("Which headers were sent?", client=True, server=False),
        "hpack-state": Topic("What do the HTTP/2 headers stand for?", client=True, server=False, advice=(_RESTART,)),
        "midstream": Topic("How did the connection begin?", client=True, server=False, advice=(_RESTART,)),
        "original-destination-unseen": Topic("Where was it meant to go?", client=True, server=False),
        "request-unseen": Topic("What was asked?", client=True, server=False),
        "sender-unknown": Topic("Who opened it, the application or its sidecar?", client=True, server=False),
        "requests-unseen": Topic("What was asked?", client=True, server=False),
    }
)  # fmt: skip


def plan_capture(
    question: str,
    *,
    client: str | None,
    servers: Sequence[str],
    mesh: MeshSnapshot | None = None,
    seconds: int = 60,
    calls_per_second: float = 10.0,
    body_len: int = 2_000,
) -> CapturePlan:
    """What to record for a topic. Pods are ``namespace/pod``; of ``servers`` also hosts of Services in ``mesh``.

    Who is given is recorded, whether the topic needs it or not. Raises ``UsageError`` where a pod that the topic needs
    is not given, a name is none, or ``mesh`` has no such pod.
    """
    topic = TOPICS[question]
    if topic.client and client is None:
        raise UsageError(f"record: {question} is seen in the client's pod; give it with --from NAMESPACE/POD")
    if topic.server and not servers:
        raise UsageError(f"record: {question} is seen in the server's pod too; give it with --to NAMESPACE/POD or HOST")
    named = [_pod_of(client, mesh)] if client else []
    named += [pod for each in servers for pod in _pods_of(each, mesh)]
    calls = round(seconds * calls_per_second)
    recordings = tuple(_recording(pod, topic, calls, body_len, seconds) for pod in dict.fromkeys(named))
    return CapturePlan(topic, recordings, (*topic.advice, *_advice(recordings)))


def _recording(pod: str, topic: Topic, calls: int, body_len: int, seconds: int) -> PodRecording:
    namespace, _, name = pod.partition("/")
    if not (_NAME.fullmatch(namespace) and _NAME.fullmatch(name)):
        raise UsageError(f"record: found {pod!r}, expected NAMESPACE/POD")
    kind = topic.interface
    whole = calls * (_CALL_LEN[kind] + _COPIES[kind] * body_len)
    snap_len = WHOLE_PACKETS if whole < LARGE else HEADS_ONLY
    estimate = whole if not snap_len else calls * (_CALL_LEN[kind] + _COPIES[kind] * min(body_len, snap_len))
    return PodRecording(namespace, name, kind, topic.filter, snap_len, estimate, seconds)


def _advice(recordings: Iterable[PodRecording]) -> tuple[str, ...]:
    if not any(each.snap_len for each in recordings):
        return ()
    return (f"So many calls are cut to {HEADS_ONLY} bytes a packet: a head behind a long body may be lost.",)


def _pod_of(pod: str, mesh: MeshSnapshot | None) -> str:
    """A pod as it is given; a mesh must have it, since nobody records what does not run."""
    if mesh is not None and mesh.pod(*pod.partition("/")[::2]) is None:
        raise UsageError(f"record: the mesh has no pod {pod!r}{hint(pod, (each.full_name for each in mesh.pods))}")
    return pod


def _pods_of(server: str, mesh: MeshSnapshot | None) -> list[str]:
    """A pod as it is given, or the first pods behind a Service that a host names."""
    if "/" in server:
        return [_pod_of(server, mesh)]
    if mesh is None:
        raise UsageError(f"record: found --to {server!r}, expected NAMESPACE/POD, or a Service of a mesh given with -m")
    services = services_of(mesh)
    found = [service for service in services if _is_called(service, server)]
    if not found:
        names = {name for service in services for name in (service.hostname, service.resource.name)}
        meant = hint(server, names) or ", expected NAMESPACE/POD or the host of a Service"
        raise UsageError(f"record: found --to {server!r}{meant}")
    endpoints = (each for service in found for port in service.ports for each in endpoints_of(mesh, service, port))
    pods = dict.fromkeys(each.pod.full_name for each in endpoints if each.pod is not None)
    if not pods:
        raise UsageError(f"record: no pod of the mesh is behind {server!r}")
    return list(pods)[:MOST_SERVERS]


def _is_called(service: RegistryService, name: str) -> bool:
    """Whether a name is the service's host, or its beginning: ``reviews``, ``reviews.shop``."""
    return service.hostname == name or service.hostname.startswith(f"{name}.")
