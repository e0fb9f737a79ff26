"""What one run needs of the platform, from its job's document: objects, services, secrets. Nothing else is given."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

S3 = "s3://"
#: What the name of the bucket of what is kept for ever ends in.
KEPT = "-kept"
#: Jobs that run no code of users, and need what runs must not have: Feast's registry and the online store, to write.
TRUSTED = frozenset({"materialize"})
#: Job → its word in the name of its workload.
WORKLOADS = {"features": "build", "skew": "serve", "shadow": "serve"}
#: Jobs that read or write models.
MODELS = frozenset({"train", "evaluate", "skew"})
#: Jobs that read an application's prediction log.
LOGS = frozenset({"skew", "shadow"})


@dataclass(frozen=True)
class Access:
    """Objects (``s3://…``, or paths of files) to read and to write, folders to list, and services to ask."""

    read: tuple[str, ...]
    write: tuple[str, ...]
    folders: tuple[str, ...]
    services: tuple[str, ...]
    secrets: tuple[str, ...]


def access_of(document: Mapping[str, Any], bucket: str) -> Access:
    """Return what the job of this document needs."""
    job = document["job"]
    write = tuple(document[key] for key in ("result_uri", "output_uri") if document.get(key))
    named = sorted({*_uris(_ours(document)), *_source(document, bucket)} - set(write))
    application = document["properties"].get("application")
    folders = (f"{S3}{bucket}/predictions/{document['project']}/{application}/",) if job in LOGS else ()
    services, secrets = ["objects"], []
    if job in MODELS:
        services, secrets = [*services, "mlflow"], ["mlflow-token"]
    if job == "evaluate" and document.get("requests"):
        services = [*services, "online_store"]
    return Access(tuple(named), write, folders, tuple(services), tuple(secrets))


def workload_of(document: Mapping[str, Any]) -> str:
    """Return the workload of a job's document, by the name of the role that a target may have for it."""
    name = f"{document['project']}-{WORKLOADS.get(document['job'], document['job'])}-{document['name']}"
    return name.replace("_", "-").replace("@", "-")


def _ours(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document without what people wrote, which may name any object; a skew check's is all our own."""
    given = ("requests",) if document["job"] == "skew" else ("requests", "properties")
    return {key: value for key, value in document.items() if key not in given}


def _source(document: Mapping[str, Any], bucket: str) -> Iterator[str]:
    """Yield the object that a data source names: one, and outside our own buckets, where everybody's data lies."""
    path = str(document["properties"].get("path") or "") if document["job"] == "ingest" else ""
    there = path.removeprefix(S3).partition("/")[0]
    if path.startswith(S3) and there not in (bucket, f"{bucket}{KEPT}") and not set("*?") & set(path):
        yield path


def _uris(value: Any, key: str = "") -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, each in value.items():
            yield from _uris(each, str(name))
    elif isinstance(value, list):
        for each in value:
            yield from _uris(each, key)
    elif isinstance(value, str) and (value.startswith(S3) or (key.endswith("uri") and value.startswith("/"))):
        yield value


def policy(access: Access) -> dict[str, Any]:
    """Return the S3 policy that allows this access and nothing else."""
    read = [*_resources(access.read), *(f"{each}*" for each in _resources(access.folders))]
    statements = [
        _allow(["s3:GetObject"], read),
        _allow(["s3:PutObject", "s3:GetObject", "s3:AbortMultipartUpload"], _resources(access.write)),
    ]
    for folder in access.folders:
        bucket, _, prefix = folder.removeprefix(S3).partition("/")
        listed = _allow(["s3:ListBucket"], [f"arn:aws:s3:::{bucket}"])
        statements.append(listed | {"Condition": {"StringLike": {"s3:prefix": [f"{prefix}*"]}}})
    return {"Version": "2012-10-17", "Statement": [each for each in statements if each["Resource"]]}


def _allow(actions: list[str], resources: list[str]) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resources}


def _resources(uris: tuple[str, ...]) -> list[str]:
    return [f"arn:aws:s3:::{uri.removeprefix(S3)}" for uri in uris if uri.startswith(S3)]
