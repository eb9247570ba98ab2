"""A mesh told in short: pods, services and rules as Python values, one document a line in the YAML that is read."""

from __future__ import annotations

import json
import os
import signal
import ssl
import struct
import subprocess
import sys
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

import dpkt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from analyzer.capture.pcapng_writer import PickedPacket, write_pcapng
from analyzer.capture.reader import read_capture
from analyzer.capture.sources import CaptureSource, find_captures
from analyzer.cluster import LOCAL, connected
from analyzer.mesh.load import parse_mesh
from analyzer.mesh.proxy import proxy_of
from analyzer.verdict.decide import decide
from analyzer.verdict.question import Question

ISTIO = "networking.istio.io/v1"

# Whole runs, and what is held against them. To measure these takes as long again, and tells nothing of a module that
# its own tests must not tell: coverage is theirs.
UNMEASURED = {"benchmarks", "hostile", "scenarios", "taps"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent.name in UNMEASURED:
            item.add_marker("no_cover")


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_call(item: pytest.Item):
    """In a process of pytest-xdist pytest-cov begins to measure twice, and for ``no_cover`` ends it once."""
    if not item.get_closest_marker("no_cover") or not item.config.pluginmanager.has_plugin("_cov"):
        return (yield)
    measuring = sys.gettrace()
    sys.settrace(None)
    try:
        return (yield)
    finally:
        sys.settrace(measuring)


class Town:
    """Documents in the making. Names are ``namespace/name``; document n (0-based) stands on line 2n + 1."""

    def __init__(self) -> None:
        self.documents: list[dict] = []
        self.addresses = 10

    def add(self, api: str, kind: str, name: str, *, spec=None, labels=None, annotations=None, created=None, **body):
        namespace, _, short = name.rpartition("/")
        metadata = {"name": short}
        if namespace:
            metadata["namespace"] = namespace
        extra = {"labels": labels, "annotations": annotations, "creationTimestamp": created}
        metadata |= {key: value for key, value in extra.items() if value}
        document = {"apiVersion": api, "kind": kind, "metadata": metadata, **body}
        if spec is not None:
            document["spec"] = spec
        self.documents.append(document)
        return self

    def namespace(self, name, **labels):
        return self.add("v1", "Namespace", name, labels=labels)

    def pod(self, name, ip=None, *, sidecar=True, ready=True, account="default", labels=None, gateway=False, **more):
        self.addresses += 1
        ip = ip or f"10.1.0.{self.addresses}"
        app = name.rpartition("/")[2].rpartition("-")[0]
        labels = {"app": app, **({"security.istio.io/tlsMode": "istio"} if sidecar else {}), **(labels or {})}
        proxy = {"name": "istio-proxy", "args": ["proxy", "router" if gateway else "sidecar"]}
        containers = [{"name": "app"}, *([proxy] if sidecar or gateway else [])]
        conditions = [{"type": "Ready", "status": str(ready)}]
        status = {"podIP": ip, "podIPs": [{"ip": ip}], "phase": "Running", "conditions": conditions}
        spec = {"serviceAccountName": account, "containers": containers}
        return self.add("v1", "Pod", name, spec=spec, labels=labels, status=status, **more)

    def service(self, name, ip=None, ports=("http:80:8080",), *, selector=None, headless=False, **more):
        """``ports`` are ``name:port:target``, with ``:appProtocol`` where there is one."""
        app = name.rpartition("/")[2]
        spec = {"ports": [self._port(each) for each in ports], "selector": selector or {"app": app}}
        address = "None" if headless else ip
        if address:
            spec |= {"clusterIP": address, "clusterIPs": [address]}
        return self.add("v1", "Service", name, spec=spec, **more)

    @staticmethod
    def _port(text):
        name, port, target, *app_protocol = text.split(":")
        found = {"name": name, "port": int(port), "targetPort": int(target) if target.isdigit() else target}
        return found | ({"appProtocol": app_protocol[0]} if app_protocol else {})

    def alias(self, name, target, **more):
        return self.add("v1", "Service", name, spec={"type": "ExternalName", "externalName": target}, **more)

    def entry(self, name, hosts, ports, **spec):
        """``ports`` are ``name:number:protocol``."""
        parts = [each.split(":") for each in ports]
        listed = [{"name": n, "number": int(number), "protocol": protocol} for n, number, protocol in parts]
        return self.add(ISTIO, "ServiceEntry", name, spec={"hosts": hosts, "ports": listed, **spec})

    def rule(self, kind, name, /, *, created=None, **spec):
        return self.add(ISTIO, kind, name, created=created, spec=spec)

    def security(self, kind, name, /, **spec):
        return self.add("security.istio.io/v1", kind, name, spec=spec)

    def settings(self, **mesh):
        return self.add("v1", "ConfigMap", "istio-system/istio", data={"mesh": json.dumps(mesh)})

    @property
    def text(self) -> str:
        return "\n---\n".join(json.dumps(document) for document in self.documents)

    def mesh(self):
        return parse_mesh(self.text, file="town.yaml")

    def proxy(self, name):
        mesh = self.mesh()
        return mesh, proxy_of(mesh, mesh.pod(*name.split("/")))

    def ask(self, source, to, host=None, **more):
        """The decision for one call from ``namespace/pod`` to ``ip:port``."""
        namespace, _, pod = source.partition("/")
        address, _, port = to.rpartition(":")
        question = Question(namespace, pod or None, address=address, port=int(port), host=host, **more)
        return decide(self.mesh(), question)


@pytest.fixture
def town() -> Town:
    return Town()


@pytest.fixture
def market() -> Town:
    """A client, a service of two pods, a headless Service and an opaque one, all with sidecars."""
    built = Town().namespace("shop").pod("shop/sleep-0", "10.1.0.1", account="sleep")
    built.pod("shop/web-0", "10.1.0.2").pod("shop/web-1", "10.1.0.3").service("shop/web", "10.9.0.1")
    built.pod("shop/db-0", "10.1.0.4").service("shop/db", ports=("tcp:5432:5432", "http:8080:8080"), headless=True)
    return built.pod("shop/cache-0", "10.1.0.5").service("shop/cache", "10.9.0.2", ports=("tcp:6379:6379",))


class TlsTalk(NamedTuple):
    """``flights`` are ``(from_client, bytes)`` in their order, ``keylog`` what the client logged."""

    flights: tuple[tuple[bool, bytes], ...]
    keylog: bytes

    def side(self, from_client):
        return b"".join(data for sent, data in self.flights if sent is from_client)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """A self-signed certificate with its key, as a PEM file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "outer.example")])
    begin = datetime(2026, 1, 1)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, begin, begin + timedelta(days=36_500))
    path = tmp_path_factory.mktemp("certificate") / "server.pem"
    path.write_bytes(
        made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
        + key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    )
    return path


ASKED = b"GET /inner/7 HTTP/1.1\r\nHost: inner.example\r\nx-request-id: r-7\r\n\r\n"
ANSWERED = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 2\r\n\r\nno"


@pytest.fixture(scope="session")
def tls_talk(certificate, tmp_path_factory):
    """Gives a ``TlsTalk``: ``said`` are ``(from_client, bytes)``, one request and its answer unless said otherwise."""

    def talk(version="TLSv1_3", suite=None, said=((True, ASKED), (False, ANSWERED)), sni="outer.example", alpn=None):
        log = tmp_path_factory.mktemp("keys") / "keys.log"
        client, server = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        client.check_hostname, client.verify_mode, client.keylog_filename = False, ssl.CERT_NONE, str(log)
        server.load_cert_chain(certificate)
        for context in (client, server):
            context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
            if suite:
                context.set_ciphers(f"{suite}:@SECLEVEL=0")
            if alpn:
                context.set_alpn_protocols(alpn)
        pipes = [ssl.MemoryBIO() for _ in range(4)]
        ends = (
            client.wrap_bio(pipes[0], pipes[1], server_hostname=sni),
            server.wrap_bio(pipes[2], pipes[3], server_side=True),
        )
        flights = []

        def carry():
            for source, target, sent in ((pipes[1], pipes[2], True), (pipes[3], pipes[0], False)):
                data = source.read()
                if data:
                    target.write(data)
                    flights.append((sent, data))

        def attempt(action):
            with suppress(ssl.SSLWantReadError):
                action()
            carry()

        for _ in range(3):
            for end in ends:
                attempt(end.do_handshake)
        for sent, data in said:
            attempt(lambda end=ends[not sent], data=data: end.write(data))
            attempt(lambda end=ends[sent]: [None for _ in iter(lambda: end.read(1 << 20), b"")])
        for end in ends:
            attempt(end.unwrap)
        return TlsTalk(tuple(flights), log.read_bytes())

    return talk


@pytest.fixture(scope="session")
def tls_capture():
    """Writes a talk as a pcap of raw IP packets, from ``client`` to ``server``."""

    def write(path, talk, client="10.244.1.10:40000", server="203.0.113.7:443"):
        (c_ip, c_port), (s_ip, s_port) = (end.rsplit(":", 1) for end in (client, server))
        ends = {True: (c_ip, int(c_port)), False: (s_ip, int(s_port))}
        seqs = {True: 1000, False: 5000}
        with path.open("wb") as file:
            sink = dpkt.pcap.Writer(file, linktype=101)
            moment = 1_700_000_000.0

            def packet(sent, flags, data=b""):
                nonlocal moment
                moment += 0.001
                (a, a_port), (b, b_port) = ends[sent], ends[not sent]
                ack = seqs[not sent] if flags & dpkt.tcp.TH_ACK else 0
                tcp = dpkt.tcp.TCP(sport=a_port, dport=b_port, seq=seqs[sent], ack=ack, flags=flags, data=data)
                ip = dpkt.ip.IP(src=ip_address(a).packed, dst=ip_address(b).packed, p=6, data=tcp)
                ip.len = len(ip)
                sink.writepkt(bytes(ip), moment)
                seqs[sent] += len(data) + (1 if flags & (dpkt.tcp.TH_SYN | dpkt.tcp.TH_FIN) else 0)

            packet(True, dpkt.tcp.TH_SYN)
            packet(False, dpkt.tcp.TH_SYN | dpkt.tcp.TH_ACK)
            packet(True, dpkt.tcp.TH_ACK)
            for sent, data in talk.flights:
                for at in range(0, len(data), 1400):
                    packet(sent, dpkt.tcp.TH_ACK, data[at : at + 1400])
            packet(True, dpkt.tcp.TH_FIN | dpkt.tcp.TH_ACK)
            packet(False, dpkt.tcp.TH_FIN | dpkt.tcp.TH_ACK)
            packet(True, dpkt.tcp.TH_ACK)
        return path

    return write


@pytest.fixture
def mapped_source(tmp_path, monkeypatch):
    """Gives the source of a file with these bytes, which is mapped."""
    monkeypatch.setattr("analyzer.capture.reader.MAPPED_FROM", 1)

    def of(data: bytes, name: str = "x.pcap") -> CaptureSource:
        (tmp_path / name).write_bytes(data)
        (found,) = find_captures([str(tmp_path / name)])
        return found

    return of


@pytest.fixture(scope="session")
def with_secrets():
    """Writes a capture again as pcapng, with a decryption secrets block."""

    def write(path, keylog):
        capture = read_capture(path, name=path.name)
        section, *rest = write_pcapng(PickedPacket(capture, row) for row in range(len(capture.records)))
        body = struct.pack("<II", 0x544C534B, len(keylog)) + keylog + bytes(-len(keylog) % 4)
        block = struct.pack("<II", 10, len(body) + 12) + body + struct.pack("<I", len(body) + 12)
        found = path.with_suffix(".pcapng")
        found.write_bytes(section + block + b"".join(rest))
        return found

    return write


@pytest.fixture(scope="module")
def workers():
    """A client of a real scheduler with two workers on the loopback interface; one that is lost is begun anew."""
    pytest.importorskip("distributed")
    with connected(LOCAL, 2) as client:
        yield client


@pytest.fixture
def kill_worker(workers):
    """A function that kills one of the workers."""

    workers.wait_for_workers(2, timeout=60)

    def kill() -> None:
        os.kill(min(workers.run(os.getpid).values()), signal.SIGKILL)

    return kill


@pytest.fixture
def begin_scheduler(tmp_path):
    """A function: a scheduler in a process of its own with so many workers, by its process and its address."""
    distributed = pytest.importorskip("distributed")
    file = str(tmp_path / "scheduler.json")
    common = ("--no-dashboard", "--scheduler-file", file)
    with ExitStack() as stack:

        def begin(workers: int) -> tuple[subprocess.Popen[bytes], str]:
            where = ("--host", "127.0.0.1", "--port", "0")
            scheduler = stack.enter_context(running("distributed.cli.dask_scheduler", *where, *common))
            for _ in range(workers):
                how = ("--no-nanny", "--nthreads", "1")
                stack.enter_context(running("distributed.cli.dask_worker", *how, *common))
            with distributed.Client(scheduler_file=file, timeout=60) as client:
                if workers:
                    client.wait_for_workers(workers, timeout=60)
                return scheduler, client.scheduler.address

        yield begin


@pytest.fixture
def mortal(begin_scheduler, monkeypatch):
    """A client of a scheduler with one worker, and a function that kills the scheduler."""
    monkeypatch.setattr("analyzer.cluster.ANSWER_SECONDS", 1)
    scheduler, address = begin_scheduler(1)
    with connected(address) as client:
        yield client, scheduler.kill


@contextmanager
def running(module: str, *arguments: str):
    """A silent process of a module, killed in the end."""
    silent = subprocess.DEVNULL
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[1])}
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments], env=environment, stdout=silent, stderr=silent
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
