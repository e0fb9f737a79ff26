"""One real node: containerd, kubelet and kube-proxy in a network namespace, CoreDNS beside them. Needs root and Linux.

``with real_cluster(folder, images) as cluster:`` is a control plane on the host's end of the namespace, and this node.
Pods really run, from images that :mod:`tests.support.kube.image` made. NetworkPolicies are admitted, not enforced.
"""

import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
from filelock import FileLock

from groundplan.errors import ToolError
from groundplan.tools.cache import cache_root
from tests.support.kube import node_files, wires
from tests.support.kube.children import until
from tests.support.kube.commands import PODS, SERVICES
from tests.support.kube.controlplane import MANAGER, PATIENCE, ControlPlane
from tests.support.kube.image import Image, save
from tests.support.kube.programs import ensure_programs, pause_program

PACKAGES = ("containerd", "runc", "containernetworking-plugins", "iptables", "nftables", "conntrack", "busybox-static")
NEEDED = ("containerd", "ctr", "runc", "iptables", "nft", "ip", "nsenter")
PAUSE = "groundplan.test/pause:1"
#: How many claims for a volume the node can serve.
VOLUMES = 16


def lacking() -> str | None:
    """Return why no real node can be had here; None when it can."""
    if os.name != "posix" or not Path("/proc/self/ns/net").exists():
        return "no network namespaces (Linux only)"
    if os.geteuid() != 0:
        return "not root: a node needs network namespaces and cgroups"
    if all(shutil.which(each) for each in NEEDED) or shutil.which("apt-get"):
        return None
    return f"{', '.join(each for each in NEEDED if not shutil.which(each))} missing, and no apt-get to install them"


def install() -> None:
    """Install the packages that are missing, from Debian. ToolError when that fails."""
    if all(shutil.which(each) for each in NEEDED) and Path("/usr/lib/cni/bridge").exists():
        return
    options = ["-o", "DPkg::Lock::Timeout=300", "-o", "APT::Install-Recommends=false", "-qq", "-y"]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update"], ["install", *PACKAGES]):
        done = subprocess.run(["apt-get", *options, *words], capture_output=True, text=True, env=environment)
        if done.returncode:
            raise ToolError(f"apt-get {words[0]} failed: {(done.stderr.strip().splitlines() or ['no output'])[-1]}")


@contextmanager
def real_cluster(folder: Path, images: Iterable[Image]) -> Iterator[ControlPlane]:
    """Run a control plane and a node that has ``images``; ready in about half a minute. One at a time on a machine."""
    install()
    programs = ensure_programs(node=True)
    with ExitStack() as stack:
        stack.enter_context(FileLock(cache_root() / ".real-node.lock"))
        routes = (PODS, SERVICES)
        wires.disconnect()
        stack.callback(wires.disconnect)
        wires.connect(routes)
        plane = ControlPlane(folder, (), programs=programs, address=wires.HOST, advertised=wires.HOST)
        stack.enter_context(plane)
        node = Node(plane)
        stack.callback(node.stop)
        node.start(images)
        yield plane


class Node:
    """The node of one control plane; its files lie in ``<control plane's folder>/node``."""

    def __init__(self, plane: ControlPlane) -> None:
        self.plane = plane
        self.folder = plane.places.folder / "node"
        self.socket = self.folder / "containerd.sock"
        self._before = wires.sandboxes()

    def start(self, images: Iterable[Image]) -> None:
        """Start everything, import the images, wait until the node is ready."""
        files = node_files.write(self.folder, self.plane, self.socket, PAUSE)
        self._start("containerd", ["containerd", "-c", files.containerd])
        until(lambda: self._ctr("version").returncode == 0, "containerd answers", PATIENCE)
        pause = Image(PAUSE, (self._pause(),), ("/pause",))
        for image in (pause, *images):
            self.load(image)
        programs = self.plane.programs.node
        assert programs is not None
        self._start("coredns", [self.plane.programs.coredns / "coredns", f"-conf={files.corefile}"])
        self._start("kubelet", [programs / "kubelet", *files.kubelet_flags(node_files.NAME)])
        self._start("kube-proxy", [programs / "kube-proxy", f"--config={files.proxy}"])
        until(self._ready, "the real node is ready", PATIENCE)
        for each in node_files.volumes(self.folder / "volumes", node_files.NAME, VOLUMES):
            self.plane.api.apply(each, MANAGER)

    def load(self, image: Image) -> str:
        """Put an image on the node; return its digest."""
        archive = self.folder / "image.tar"
        digest = save(image, archive)
        done = self._ctr("-n", "k8s.io", "images", "import", str(archive))
        archive.unlink()
        if done.returncode:
            raise ToolError(f"{image.name}: not imported: {done.stderr.strip()}")
        return digest

    def stop(self) -> None:
        """End kubelet and proxy, then every container, then containerd; leave no mount, namespace or cgroup."""
        for name in ("kube-proxy", "kubelet", "coredns"):
            if name in self.plane.children.running:
                self.plane.children.stop(name)
        if "containerd" in self.plane.children.running:
            self._end_containers()
            self.plane.children.stop("containerd")
        self._end_shims()
        self._unmount()
        wires.remove(wires.sandboxes() - self._before)
        for group in Path("/sys/fs/cgroup").glob("**/kubepods"):
            _remove_groups(group)

    def _ready(self) -> bool:
        self.plane.children.check()
        return node_files.NAME in self.plane.ready_nodes()

    def _start(self, name: str, command: list[str | Path]) -> None:
        self.plane.children.start(name, command, prefix=wires.INSIDE)

    def _ctr(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["ctr", "-a", str(self.socket), *words], capture_output=True, text=True)

    def _end_containers(self) -> None:
        for each in self._ctr("-n", "k8s.io", "tasks", "ls", "-q").stdout.split():
            self._ctr("-n", "k8s.io", "tasks", "kill", "-a", "-s", "KILL", each)
        until(self._all_ended, "every container ended", 20)
        for each in self._ctr("-n", "k8s.io", "containers", "ls", "-q").stdout.split():
            self._ctr("-n", "k8s.io", "tasks", "delete", "-f", each)
            self._ctr("-n", "k8s.io", "containers", "rm", each)

    def _all_ended(self) -> bool:
        return "RUNNING" not in self._ctr("-n", "k8s.io", "tasks", "ls").stdout

    def _end_shims(self) -> None:
        """Shims outlive containerd on purpose; ours are those that were started for our socket."""
        mine = [p for p in psutil.process_iter(["cmdline"]) if str(self.socket) in (p.info["cmdline"] or ())]
        for each in mine:
            each.kill()
        psutil.wait_procs(mine, timeout=10)

    def _unmount(self) -> None:
        places = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
        for place in sorted((p for p in places if p.startswith(f"{self.folder}/")), reverse=True):
            subprocess.run(["umount", "-l", place], check=True)

    def _pause(self) -> Path:
        root = self.folder / "pause"
        root.mkdir()
        shutil.copy(pause_program(), root / "pause")
        return root


def _remove_groups(top: Path) -> None:
    for folder, _, _ in os.walk(top, topdown=False):
        Path(folder).rmdir()
