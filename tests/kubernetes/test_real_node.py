"""Real pods on a real node, from an image that was made here: they start, find each other by name, keep data."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.kube.controlplane import ControlPlane
from tests.support.kube.image import Image
from tests.support.kube.lab import declared, kube_lab
from tests.support.kube.node import real_cluster
from tests.support.kube.shop import LABELS, container, deployment, job, manifest, namespace_of, pod
from tests.support.lifecycle import Declared

BOX = "groundplan.test/box:1"
PORT = 8080


def box(folder: Path) -> Image:
    """An image of one static program, which is a shell and a web server."""
    for name in ("bin", "etc", "tmp"):
        (folder / name).mkdir(parents=True)
    (folder / "etc/passwd").write_text("nobody:x:65534:65534::/tmp:/bin/sh\n")
    (folder / "bin/busybox").write_bytes(Path("/bin/busybox").read_bytes())
    (folder / "bin/busybox").chmod(0o755)
    for name in ("sh", "httpd", "wget", "cat"):
        (folder / "bin" / name).symlink_to("busybox")
    return Image(BOX, (folder,), environment={"PATH": "/bin"})


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory, node: None) -> Iterator[ControlPlane]:
    folder = tmp_path_factory.mktemp("real")
    with real_cluster(folder / "plane", [box(folder / "box")]) as plane:
        yield plane


def program(namespace: str) -> list[Declared]:
    """A web server that serves its volume, its service, and a Job that asks it by name."""
    first = f"Namespace-{namespace}"
    volume = {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    serve = container(
        image=BOX,
        command=["sh", "-c", f"echo 'it is kept' > /data/index.html; exec httpd -f -p {PORT} -h /data"],
        volumeMounts=[{"name": "data", "mountPath": "/data"}],
        readinessProbe={"httpGet": {"path": "/", "port": PORT}, "periodSeconds": 1},
    )
    web = deployment(namespace, replicas=1, template=pod(containers=[serve], volumes=[volume]))
    service = {"selector": LABELS, "ports": [{"port": 80, "targetPort": PORT}]}
    ask = container(image=BOX, command=["sh", "-c", f"wget -qO- http://web.{namespace}.svc/"])
    return [
        declared(namespace_of(namespace)),
        declared(manifest("v1", "PersistentVolumeClaim", "data", namespace, spec=claim), first),
        declared(web, first),
        declared(manifest("v1", "Service", "web", namespace, spec=service), first),
        declared(
            job(namespace, template=pod(containers=[ask], restartPolicy="Never")), "Deployment-web", "Service-web"
        ),
    ]


def test_pods_run_find_each_other_and_keep_data(real: ControlPlane, tmp_path: Path, namespace: str) -> None:
    lab = kube_lab(tmp_path / "lab", real.kubeconfig)
    lab.declare(*program(namespace))
    lab.up()
    (asked,) = real.api.list("v1", "Pod", namespace, labelSelector="app.kubernetes.io/name=load")
    path = f"/api/v1/namespaces/{namespace}/pods/{asked['metadata']['name']}/log"
    assert real.api.call("GET", path) == "it is kept\n"
    lab.quiet()
    lab.destroy()
    assert real.api.list("v1", "Pod", namespace) == []
