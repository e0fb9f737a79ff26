"""Certificates and kubeconfigs of a control plane that lives as long as a test."""

import json
from pathlib import Path

import trustme

from tests.support.kube.kubeconfig import kubeconfig

#: Who logs in as what: Kubernetes reads the user from the common name and the group from the organization.
USERS = {
    "admin": ("admin", "system:masters"),
    "controller-manager": ("system:kube-controller-manager", "system:kube-controller-manager"),
    "scheduler": ("system:kube-scheduler", "system:kube-scheduler"),
    "kubelet-client": ("kube-apiserver-kubelet-client", "system:masters"),
    "front-proxy": ("front-proxy", "front-proxy"),
}


class Credentials:
    """A certificate authority and what it signs, as files in ``folder``: ``<name>.crt``, ``<name>.key``."""

    def __init__(self, folder: Path, addresses: tuple[str, ...]) -> None:
        folder.mkdir(parents=True, mode=0o700)
        self.folder = folder
        self._authority = trustme.CA(organization_name="groundplan-test", organization_unit_name="kubernetes")
        self._authority.cert_pem.write_to_path(str(folder / "ca.crt"))
        self._authority.private_key_pem.write_to_path(str(folder / "ca.key"))
        service = ("kubernetes", "kubernetes.default", "kubernetes.default.svc")
        self.issue("apiserver", "kube-apiserver", "kube-apiserver", "localhost", *service, *addresses)
        # Any key pair does for signing service accounts' tokens.
        self.issue("service-account", "service-account", "service-account")
        for name, (user, group) in USERS.items():
            self.issue(name, user, group)

    def path(self, name: str) -> Path:
        """Path of one file."""
        return self.folder / name

    def issue(self, name: str, user: str, group: str, *hosts: str) -> None:
        """Sign a certificate that both serves ``hosts`` and logs in as ``user`` of ``group``."""
        # A certificate that only logs in names a host too: Go refuses the empty list that trustme would write.
        found = self._authority.issue_cert(*(hosts or ("client.invalid",)), common_name=user, organization_name=group)
        found.private_key_pem.write_to_path(str(self.folder / f"{name}.key"))
        found.cert_chain_pems[0].write_to_path(str(self.folder / f"{name}.crt"))
        self.path(f"{name}.key").chmod(0o600)

    def kubeconfig(self, name: str, server: str) -> Path:
        """Write ``<name>.kubeconfig`` for a certificate issued before, and return its path."""
        pem = [self.path(file).read_bytes() for file in ("ca.crt", f"{name}.crt", f"{name}.key")]
        target = self.path(f"{name}.kubeconfig")
        target.write_text(json.dumps(kubeconfig(server, *pem)))
        target.chmod(0o600)
        return target
