"""SeaweedFS: an S3-compatible object store in one process, all its ports but S3 on 127.0.0.1."""

import base64
import hashlib
import json
import sys
from pathlib import Path

from groundplan.local.launch._site import Site, become, folder, site, write_private

ACTIONS = ["Admin", "Read", "Write", "List", "Tagging"]
#: The one account there is, as AWS writes it.
ACCOUNT = "arn:aws:iam::000000000000"
#: Small volumes: the default of 30 GB each is preallocated bookkeeping that a laptop does not have.
VOLUME_MB = 256


def main() -> None:
    """Start it; arguments: every ``objects…=<port>`` of docs/contracts.md."""
    here = site()
    home = folder(here.data_dir / "objects")
    identities = write_private(home / "s3.json", json.dumps(_identities(here), indent=2))
    roles = write_private(home / "iam.json", json.dumps(_roles(here), indent=2))
    flags = _flags(here, folder(home / "data"), identities, roles)
    become([Path(sys.prefix) / "bin" / "weed", "-logtostderr", "server", *flags])


def _identities(here: Site) -> dict[str, object]:
    secret = here.runtime.secret
    keys = {"accessKey": secret("objects-access-key"), "secretKey": secret("objects-secret-key")}
    return {"identities": [{"name": "groundplan", "credentials": [keys], "actions": ACTIONS}]}


def _roles(here: Site) -> dict[str, object]:
    """What STS gives out: a role that only the platform's own identity may take, narrowed for each run by a policy."""
    key = hashlib.sha256(here.runtime.secret("objects-sts").encode()).digest()
    sts = {"issuer": "groundplan", "signingKey": base64.b64encode(key).decode()}
    sts |= {"tokenDuration": "1h", "maxSessionLength": "12h"}
    everything = _policy({"Action": ["s3:*"], "Resource": ["arn:aws:s3:::*"]})
    trusted = _policy({"Action": ["sts:AssumeRole"], "Principal": {"AWS": f"{ACCOUNT}:user/groundplan"}})
    role = {"roleName": "run", "roleArn": f"{ACCOUNT}:role/run", "trustPolicy": trusted, "attachedPolicies": ["all"]}
    return {"sts": sts, "policies": [{"name": "all", "document": everything}], "roles": [role]}


def _policy(allowed: dict[str, object]) -> dict[str, object]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **allowed}]}


def _flags(here: Site, data: Path, identities: Path, roles: Path) -> list[str | Path]:
    ports = here.ports
    return [
        f"-dir={data}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1",
        f"-master.port={ports['objects_master']}", f"-master.port.grpc={ports['objects_master_grpc']}",
        f"-master.volumeSizeLimitMB={VOLUME_MB}", "-master.telemetry=false",
        "-master.peers=none",  # else a restart waits 16 s for an election
        f"-volume.port={ports['objects_volume']}", f"-volume.port.grpc={ports['objects_volume_grpc']}",
        "-volume.max=0", "-volume.preStopSeconds=1",
        "-filer", f"-filer.port={ports['objects_filer']}", f"-filer.port.grpc={ports['objects_filer_grpc']}",
        f"-filer.localSocket={data.parent / 'filer.sock'}",
        "-s3", f"-s3.port={ports['objects']}", f"-s3.port.grpc={ports['objects_iam_grpc']}", f"-s3.ip.bind={here.bind}",
        f"-s3.localSocket={data.parent / 's3.sock'}", f"-s3.config={identities}",
        f"-s3.iam.config={roles}",
        "-s3.port.iceberg=0", "-s3.port.lance=0",  # else two more listeners at fixed ports
    ]  # fmt: skip


if __name__ == "__main__":
    main()
