"""Breaks rules of the model, one at a time, and says which of the project's own tests notices.

    python benchmarks/mutate_model.py [NAME ...]

Each mutation is a textual patch to one file in a temporary copy of the repository. The exit status is 0 when every one
was caught, 1 when one survived, 2 when the tests fail without any, or when a patch no longer fits its file.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COPIED = ("analyzer", "benchmarks", "captures", "docs", "reports/example.html", "tests", "pyproject.toml", "README.md")
TESTS = ("tests/mesh", "tests/verdict", "tests/scenarios")


@dataclass(frozen=True, slots=True)
class Mutation:
    """A rule that is broken by putting ``after`` where ``before`` stands, once, in ``file``."""

    name: str
    file: str
    before: str
    after: str

    def fits(self, root: Path) -> bool:
        """Whether ``before`` stands exactly once in the file below ``root``."""
        return (root / self.file).read_text(encoding="utf-8").count(self.before) == 1

    def apply(self, root: Path) -> None:
        """Patch the file below ``root``."""
        path = root / self.file
        path.write_text(path.read_text(encoding="utf-8").replace(self.before, self.after), encoding="utf-8")


MUTATIONS = (
    Mutation(
        "wildcard hosts: the shortest wins",
        "analyzer/mesh/hosts.py",
        "for start in range(len(needle) + 1))",
        "for start in reversed(range(len(needle) + 1)))",
    ),
    Mutation(
        "virtual hosts: the shortest wildcard domain wins",
        "analyzer/mesh/outbound/route.py",
        "for start in range(1, len(host)):",
        "for start in reversed(range(1, len(host))):",
    ),
    Mutation(
        "headless Services: no listener per pod",
        "analyzer/mesh/outbound/listeners.py",
        "return service.kubernetes or service.selector is not None or bool(instances_of(mesh, service, port))",
        "return False",
    ),
    Mutation(
        "DestinationRules: the service's namespace before the client's",
        "analyzer/mesh/outbound/destination_rules.py",
        "    if found is not None:\n        return found\n",
        "    if found is not None and service.hostname not in index.exported.get(service.namespace, {}):\n"
        "        return found\n",
    ),
    Mutation(
        "PeerAuthentication: the namespace's mode before the workload's",
        "analyzer/mesh/inbound/mtls.py",
        'mode = _layer(mode, own, "the workload\'s", younger=selecting[1:])',
        'mode = _layer(mode, None if siblings else own, "the workload\'s", younger=selecting[1:])',
    ),
    Mutation(
        "exportTo: everybody sees everything",
        "analyzer/mesh/visibility.py",
        "return PUBLIC in exported or namespace in exported",
        "return bool(exported) or namespace in exported",
    ),
    Mutation(
        "withoutHeaders: a header that is absent does not match",
        "analyzer/mesh/outbound/route.py",
        'return not text_matches(matcher, value or "")',
        'return value is not None and not text_matches(matcher, value or "")',
    ),
    Mutation(
        "AuthorizationPolicy: ALLOW before DENY",
        "analyzer/mesh/policy/authorization.py",
        "    if denied is not None:\n",
        "    if denied is not None and not any(r.answer.holds for r in rulings[ALLOW]):\n",
    ),
    Mutation(
        "iptables: excluded outbound ports are redirected",
        "analyzer/mesh/redirect.py",
        '        return _bypass(f"{pod.full_name} excludes outbound port {port}", excluded)\n    if told.own_user',
        "        return _by_address(told, pod, address, port)\n    if told.own_user",
    ),
    Mutation(
        "iptables: annotations before the init container's arguments",
        "analyzer/mesh/interception.py",
        "    settings = _of_arguments(pod)\n",
        "    settings = _of_annotations(mesh, pod) or _of_arguments(pod)\n",
    ),
    Mutation(
        "DestinationRules: with and without selector stay apart",
        "analyzer/mesh/outbound/destination_rules.py",
        "        if None not in selectors and selectors[0] != selectors[1]:",
        "        if selectors[0] != selectors[1]:",
    ),
    Mutation(
        "gateways: the YAML comes before their dump",
        "analyzer/verdict/gateway_path.py",
        "    decided = by_dump or with_gateway_caveats(mesh, arrival, decide_gateway(mesh, arrival))",
        "    decided = with_gateway_caveats(mesh, arrival, decide_gateway(mesh, arrival)) or by_dump",
    ),
    Mutation(
        "Sidecar: every service is imported",
        "analyzer/mesh/outbound/scope.py",
        "        return any(is_subset(host, each) for each in self.wildcards)\n",
        "        return True\n",
    ),
    Mutation(
        "auto mTLS: endpoints without a sidecar get it too",
        "analyzer/mesh/outbound/cluster.py",
        "    if endpoint is None or not endpoint.mutual_tls:\n        return False\n",
        "    if endpoint is None:\n        return False\n",
    ),
    Mutation(
        "filter chains: transport before server name",
        "analyzer/mesh/outbound/listener.py",
        "    left = _by_server_name(left, sni)\n    left = _by_transport(left, transport)\n",
        "    left = _by_transport(left, transport)\n    left = _by_server_name(left, sni)\n",
    ),
    Mutation(
        "faults: after redirects",
        "analyzer/verdict/outbound_http.py",
        "    if route.abort is not None and route.abort.percent > 0:\n",
        "    if route.abort is not None and route.abort.percent > 0 and route.redirect is None:\n",
    ),
    Mutation(
        "gateways: what a client says was forwarded is believed",
        "analyzer/verdict/gateway.py",
        "        edge=not trusted_proxies(mesh, arrival.pod),\n",
        "",
    ),
    Mutation(
        "tokens: every claim is a list of words",
        "analyzer/mesh/policy/request.py",
        "for name in (*_WORD_CLAIMS, *rule.space_delimited)}",
        "for name in claims}",
    ),
    Mutation(
        "certificates: of any namespace without a grant",
        "analyzer/mesh/gateway/certificates.py",
        "if namespace != owner.namespace and not _is_granted(mesh, owner, namespace, ref.name):",
        "if not namespace:",
    ),
    Mutation(
        "ListenerSets: every Gateway takes them",
        "analyzer/mesh/gateway/api_gateways.py",
        "    return same or gateway.sets_from == FROM_ALL\n",
        "    return True\n",
    ),
    Mutation(
        "Ingresses: in the order of the input",
        "analyzer/mesh/gateway/ingress.py",
        "sorted(served_ingresses(mesh), key=lambda each: each.resource.age_key)",
        "served_ingresses(mesh)",
    ),
)  # fmt: skip


def main() -> int:
    """Run every mutation that was named, or all."""
    chosen = [each for each in MUTATIONS if not sys.argv[1:] or any(name in each.name for name in sys.argv[1:])]
    with tempfile.TemporaryDirectory() as folder:
        unbroken = copied(Path(folder, "unbroken"))
        unfit = [each.name for each in chosen if not each.fits(unbroken)]
        failing = f"patches that do not fit: {', '.join(unfit)}" if unfit else first_failure(unbroken)
        if failing is not None:
            sys.stdout.write(f"nothing was broken yet, and already: {failing}\n")
            return 2
        results = [(each, _survival(each, Path(folder, str(n)))) for n, each in enumerate(chosen)]
    survivors = [each.name for each, caught_by in results if caught_by is None]
    sys.stdout.write(f"{len(chosen) - len(survivors)} of {len(chosen)} mutations were caught\n")
    return 1 if survivors else 0


def _survival(mutation: Mutation, folder: Path) -> str | None:
    root = copied(folder)
    mutation.apply(root)
    caught_by = first_failure(root)
    sys.stdout.write(f"{'caught' if caught_by else 'SURVIVED'}  {mutation.name}: {caught_by or 'no test notices'}\n")
    sys.stdout.flush()
    shutil.rmtree(folder)
    return caught_by


def copied(folder: Path) -> Path:
    """A copy of what the tests need, in a new folder."""
    folder.mkdir()
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif source.is_file():
            (folder / name).parent.mkdir(exist_ok=True)
            shutil.copy(source, folder / name)
    return folder


def first_failure(root: Path) -> str | None:
    """The first test that fails in a copy, or None where all pass."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *TESTS]
    # The copy comes before an installed package of the same name.
    environment = {**os.environ, "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return None
    lines = [line for line in done.stdout.splitlines() if line.startswith(("FAILED ", "ERROR "))]
    return lines[0].split(" ", 1)[1].partition(" - ")[0] if lines else (done.stdout + done.stderr)[-400:]


if __name__ == "__main__":
    sys.exit(main())
