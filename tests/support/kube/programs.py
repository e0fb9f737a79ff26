"""The programs of the test ground, built from their Go modules once per version, in the cache outside the checkout.

``python -m tests.support.kube.programs`` builds those of the control plane (about 10 minutes on 2 cores, 450 MB);
``--node`` also the kubelet and kube-proxy that a real node needs.
"""

import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from groundplan.errors import ToolError
from groundplan.tools.cache import cache_root, locked
from groundplan.tools.golang import Go, Source, compile_program, ensure_go
from groundplan.tools.progress import size_of, step
from groundplan.tools.run import run

#: 1.35 refuses cgroup v1 unless told otherwise; etcd 3.4 (Debian's) makes watches lag by seconds.
KUBERNETES = "1.34.4"
ETCD = "3.6.16"
KWOK = "0.8.0"
KUBERAY = "1.6.1"
COREDNS = "1.14.7"
CONTROL_PLANE = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl")
NODE = ("kubelet", "kube-proxy")
STAGES = "stage"
VERSION_PACKAGES = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")


@dataclass(frozen=True)
class Workshop:
    """Where one entry is built: the tool chain, its environment, the folder to fill, a scratch folder, the log."""

    go: Go
    env: Mapping[str, str]
    folder: Path
    scratch: Path
    log: Path


@dataclass(frozen=True)
class Entry:
    """One entry of the cache: ``<name>/<version>/bin`` with these programs in it, and how to make it."""

    name: str
    version: str
    programs: tuple[str, ...]
    make: Callable[[Workshop], None]


@dataclass(frozen=True)
class Programs:
    """Folders of the programs; those of a real node only where they were asked for."""

    kubernetes: Path
    etcd: Path
    kwok: Path
    kuberay: Path
    node: Path | None = None
    coredns: Path | None = None

    @property
    def stages(self) -> Path:
        """Folder of KWOK's stages, as its module brings them."""
        return self.kwok / STAGES


def ensure_programs(*, node: bool = False) -> Programs:
    """All programs of the test ground; what is missing is built. :class:`ToolError` when it cannot be."""
    return Programs(*map(_ensure, (*CLUSTER, *(NODE_ENTRIES if node else ()))))


def pause_program() -> Path:
    """The program of a pod's sandbox, built from ``pause/main.go``."""
    return _ensure(PAUSE_ENTRY) / "pause"


def missing(*, node: bool = False) -> list[str]:
    """What :func:`ensure_programs` would have to build, as ``name version``."""
    entries = [*CLUSTER, *(NODE_ENTRIES if node else ())]
    return [f"{entry.name} {entry.version}" for entry in entries if not _whole(entry)]


def _folder(entry: Entry) -> Path:
    return cache_root() / entry.name / entry.version


def _whole(entry: Entry) -> bool:
    return all(os.access(_folder(entry) / "bin" / name, os.X_OK) for name in entry.programs)


def _ensure(entry: Entry) -> Path:
    folder = _folder(entry)
    if not _whole(entry):
        with locked(folder, f"{entry.name} {entry.version}"):
            if not _whole(entry):
                _build(entry, folder)
    return folder / "bin"


def _build(entry: Entry, folder: Path) -> None:
    # Made in a folder of its own and renamed when whole: a killed build leaves no half entry.
    prefix = f".{folder.name}-"
    with tempfile.TemporaryDirectory(prefix=prefix, dir=folder.parent, ignore_cleanup_errors=True) as name:
        scratch = Path(name)
        target = scratch / "bin"
        target.mkdir()
        go = ensure_go()
        env = go.environment(scratch) | {"CGO_ENABLED": "0"}
        log = folder.parent / f"{folder.name}.log"
        with step(f"building {entry.name} {entry.version} from source", lambda: size_of(target)):
            entry.make(Workshop(go, env, target, scratch, log))
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        target.rename(folder / "bin")


def _control_plane(shop: Workshop) -> None:
    _kubernetes(shop, CONTROL_PLANE)


def _node(shop: Workshop) -> None:
    _kubernetes(shop, NODE)


def _kubernetes(shop: Workshop, programs: tuple[str, ...]) -> None:
    """One module for all programs, so that what they share is compiled once."""
    module = shop.scratch / "module"
    module.mkdir()
    upstream = _module_folder(shop, "k8s.io/kubernetes", KUBERNETES)
    (module / "go.mod").write_text(published(upstream.joinpath("go.mod").read_text(), KUBERNETES))
    shutil.copyfile(upstream / "go.sum", module / "go.sum")
    (module / "go.sum").chmod(0o644)
    packages = [f"k8s.io/kubernetes/cmd/{name}" for name in programs]
    command = [str(shop.go.program), "build", "-o", f"{shop.folder}{os.sep}", "-ldflags", _stamp(), *packages]
    run(command, module, shop.env, shop.log)


def published(text: str, version: str) -> str:
    """Return Kubernetes' own ``go.mod`` for use from outside its repository.

    There its staging modules are folders (``v0.0.0 => ./staging/…``); published, their version is ``v0.minor.patch``.
    """
    staging = f"v0.{version.removeprefix('1.')}"
    text = re.sub(r"(?m)^module .*$", "module throwaway", text)
    text = re.sub(r"(?m)^(\s+k8s\.io/\S+) v0\.0\.0(?=\s|$)", rf"\1 {staging}", text)
    text = re.sub(r"(?m)^(\s+)(k8s\.io/\S+) => \./staging/\S+$", rf"\1\2 => \2 {staging}", text)
    return f"{text}\nrequire k8s.io/kubernetes v{version}\n"


def _stamp() -> str:
    """The linker's flags that tell the programs their version: without them the API server says v0.0.0."""
    minor = KUBERNETES.split(".")[1]
    facts = {"gitVersion": f"v{KUBERNETES}", "gitMajor": "1", "gitMinor": minor, "gitTreeState": "clean"}
    facts |= {"gitCommit": "0" * 40, "buildDate": "2026-01-01T00:00:00Z"}
    return "-s -w " + " ".join(f"-X {package}.{k}={v}" for package in VERSION_PACKAGES for k, v in facts.items())


def _etcd(shop: Workshop) -> None:
    source = Source("go.etcd.io/etcd/server/v3", ETCD)
    compile_program(shop.go, source, shop.folder / "etcd", shop.scratch / "module", shop.log, shop.env)


def _kwok(shop: Workshop) -> None:
    source = Source("sigs.k8s.io/kwok/cmd/kwok", KWOK)
    compile_program(shop.go, source, shop.folder / "kwok", shop.scratch / "module", shop.log, shop.env)
    module = _module_folder(shop, "sigs.k8s.io/kwok", KWOK)
    shutil.copytree(module / "kustomize" / "stage", shop.folder / STAGES, copy_function=shutil.copyfile)


def _kuberay(shop: Workshop) -> None:
    """Ray's operator: it runs beside the cluster, since the pods of simulated nodes do nothing."""
    source = Source("github.com/ray-project/kuberay/ray-operator", KUBERAY)
    compile_program(shop.go, source, shop.folder / "kuberay", shop.scratch / "module", shop.log, shop.env)


def _coredns(shop: Workshop) -> None:
    _own(shop, "dns", "coredns", f"github.com/coredns/coredns@v{COREDNS}")


def _pause(shop: Workshop) -> None:
    _own(shop, "pause", "pause")


def _own(shop: Workshop, source: str, name: str, *modules: str) -> None:
    """Build the program whose source lies beside this file, in the folder ``source``."""
    go, module = str(shop.go.program), shop.scratch / "module"
    shutil.copytree(Path(__file__).parent / source, module)
    run([go, "mod", "init", "throwaway"], module, shop.env, shop.log)
    for each in modules:
        run([go, "get", each], module, shop.env, shop.log)
    run([go, "build", "-ldflags", "-s -w", "-o", str(shop.folder / name), "."], module, shop.env, shop.log)


def _module_folder(shop: Workshop, module: str, version: str) -> Path:
    command = [str(shop.go.program), "mod", "download", "-json", f"{module}@v{version}"]
    return Path(json.loads(run(command, shop.scratch, shop.env, shop.log))["Dir"])


KUBERNETES_ENTRY = Entry("kubernetes", KUBERNETES, CONTROL_PLANE, _control_plane)
NODE_ENTRY = Entry("kubernetes-node", KUBERNETES, NODE, _node)
ETCD_ENTRY = Entry("etcd", ETCD, ("etcd",), _etcd)
KWOK_ENTRY = Entry("kwok", KWOK, ("kwok",), _kwok)
KUBERAY_ENTRY = Entry("kuberay", KUBERAY, ("kuberay",), _kuberay)
COREDNS_ENTRY = Entry("coredns", COREDNS, ("coredns",), _coredns)
PAUSE_ENTRY = Entry("pause", "1", ("pause",), _pause)
NODE_ENTRIES = (NODE_ENTRY, COREDNS_ENTRY)
CLUSTER = (KUBERNETES_ENTRY, ETCD_ENTRY, KWOK_ENTRY, KUBERAY_ENTRY)

if __name__ == "__main__":
    try:
        ensure_programs(node="--node" in sys.argv[1:])
    except ToolError as error:
        sys.exit(str(error))
