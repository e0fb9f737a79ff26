"""Configuration files of a real node's programs."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.support.kube import wires
from tests.support.kube.commands import PODS
from tests.support.kube.controlplane import ControlPlane

NAME = "real-node"
CRI = "io.containerd.grpc.v1.cri"
DOMAIN = "cluster.local"


@dataclass(frozen=True)
class NodeFiles:
    """Where each program's configuration lies."""

    folder: Path
    containerd: Path
    kubelet: Path
    proxy: Path
    corefile: Path
    kubeconfig: Path

    def kubelet_flags(self, name: str) -> list[str]:
        """What the kubelet takes only on its command line."""
        return [
            f"--config={self.kubelet}",
            f"--kubeconfig={self.kubeconfig}",
            f"--root-dir={self.folder / 'kubelet'}",
            f"--cert-dir={self.folder / 'kubelet-pki'}",
            f"--hostname-override={name}",
            f"--node-ip={wires.NODE}",
        ]


def write(folder: Path, plane: ControlPlane, socket: Path, pause: str) -> NodeFiles:
    """Write them all, with certificates for the kubelet and the proxy."""
    folder.mkdir(parents=True)
    own, server = plane.credentials, plane.places.server
    own.issue("kubelet", f"system:node:{NAME}", "system:nodes", NAME, wires.NODE)
    own.issue("proxy", "system:kube-proxy", "system:node-proxier")
    kubeconfig, proxy = own.kubeconfig("kubelet", server), own.kubeconfig("proxy", server)
    return NodeFiles(
        folder=folder,
        containerd=_text(folder / "containerd.toml", _containerd(folder, socket, pause)),
        kubelet=_text(folder / "kubelet.yaml", yaml.safe_dump(_kubelet(folder, plane, socket))),
        proxy=_text(folder / "proxy.yaml", yaml.safe_dump(_proxy(proxy))),
        corefile=_text(folder / "Corefile", _corefile(plane.kubeconfig)),
        kubeconfig=kubeconfig,
    )


def volumes(folder: Path, node: str, count: int) -> Iterator[dict[str, Any]]:
    """Yield a default storage class and volumes of it: folders of this machine that anyone may write."""
    annotations = {"storageclass.kubernetes.io/is-default-class": "true"}
    head = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass"}
    how = {"provisioner": "kubernetes.io/no-provisioner", "volumeBindingMode": "WaitForFirstConsumer"}
    yield {**head, "metadata": {"name": "local", "annotations": annotations}, **how}
    here = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}
    for number in range(count):
        place = folder / str(number)
        place.mkdir(parents=True)
        place.chmod(0o777)
        spec = {
            "capacity": {"storage": "100Gi"},
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "local",
            "persistentVolumeReclaimPolicy": "Retain",
            "local": {"path": str(place)},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [here]}]}},
        }
        yield {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": f"local-{number}"}, "spec": spec}


def _containerd(folder: Path, socket: Path, pause: str) -> str:
    (folder / "cni").mkdir()
    _text(folder / "cni/10-bridge.conflist", json.dumps(_network(folder)))
    # restrict_oom_score_adj: in a container or a small virtual machine root may not lower its score.
    return f"""\
version = 2
root = "{folder / "containerd"}"
state = "{folder / "state"}"
[grpc]
  address = "{socket}"
[plugins."{CRI}"]
  restrict_oom_score_adj = true
  sandbox_image = "{pause}"
  [plugins."{CRI}".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{folder / "cni"}"
  [plugins."{CRI}".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."{CRI}".containerd.runtimes.runc.options]
      SystemdCgroup = false
"""


def _network(folder: Path) -> dict[str, Any]:
    addresses = {
        "type": "host-local",
        "ranges": [[{"subnet": wires.PODS}]],
        "routes": [{"dst": "0.0.0.0/0"}],
        "dataDir": str(folder / "addresses"),
    }
    bridge = {"type": "bridge", "bridge": "cni0", "isGateway": True, "ipMasq": True, "hairpinMode": True}
    ports = {"type": "portmap", "capabilities": {"portMappings": True}}
    return {"cniVersion": "0.4.0", "name": "test", "plugins": [{**bridge, "ipam": addresses}, ports]}


def _kubelet(folder: Path, plane: ControlPlane, socket: Path) -> dict[str, Any]:
    crt = plane.credentials.path
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "containerRuntimeEndpoint": f"unix://{socket}",
        "cgroupDriver": "cgroupfs",
        "failCgroupV1": False,
        "failSwapOn": False,
        "clusterDNS": [wires.NODE],
        "clusterDomain": DOMAIN,
        "tlsCertFile": str(crt("kubelet.crt")),
        "tlsPrivateKeyFile": str(crt("kubelet.key")),
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(crt("ca.crt"))},
        },
        "authorization": {"mode": "Webhook"},
        "address": wires.NODE,
        "healthzBindAddress": "127.0.0.1",
        "imageGCHighThresholdPercent": 100,
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
        "enforceNodeAllocatable": ["pods"],
        "resolvConf": "",
        "volumePluginDir": str(folder / "plugins"),
        "podLogsDir": str(folder / "pod-logs"),
        "syncFrequency": "10s",
        "nodeStatusUpdateFrequency": "4s",
    }


def _proxy(kubeconfig: Path) -> dict[str, Any]:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "nftables",
        "clusterCIDR": PODS,
        "hostnameOverride": NAME,
        "clientConnection": {"kubeconfig": str(kubeconfig)},
        # Sizes of the machine's connection table are none of a namespace's business.
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
        "healthzBindAddress": "127.0.0.1:10256",
        "metricsBindAddress": "127.0.0.1:10249",
    }


def _corefile(kubeconfig: Path) -> str:
    return f"""\
.:53 {{
    bind {wires.NODE}
    errors
    kubernetes {DOMAIN} in-addr.arpa {{
        kubeconfig {kubeconfig} test
    }}
}}
"""


def _text(path: Path, text: str) -> Path:
    path.write_text(text)
    return path
