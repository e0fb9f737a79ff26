"""What ``stacks/<env>.yaml`` says of data on AWS: RDS, S3, ElastiCache, and how long each keeps what."""

from typing import Annotated, Literal

from pydantic import Field

from groundplan.spec._base import Model
from groundplan.spec.aws_types import Region

DbClass = Annotated[str, Field(pattern=r"^db\.[a-z][a-z0-9]*\.[a-z0-9]+$")]
CacheClass = Annotated[str, Field(pattern=r"^cache\.[a-z][a-z0-9]*\.[a-z0-9]+$")]


class RdsSpec(Model):
    """PostgreSQL on RDS: rows of the tracking server, the feature registry and the control plane."""

    version: Literal["16", "17"] = "17"
    instance: DbClass = "db.m7g.large"
    storage_gb: Annotated[int, Field(ge=20, le=65536)] = 100
    #: Storage grows by itself up to here.
    max_storage_gb: Annotated[int, Field(ge=20, le=65536)] = 500
    multi_az: bool = True
    #: Days for which any second can be restored (point-in-time recovery).
    backup_days: Annotated[int, Field(ge=1, le=35)] = 14
    #: While true, neither AWS nor ``down`` removes the instance; ``down`` says so before it removes anything.
    deletion_protection: bool = True
    #: A second instance that only reads.
    replica: bool = False
    #: RDS Proxy in front of it: connections are pooled, and live on through a fail-over.
    proxy: bool = False
    #: A snapshot to begin from, as after the loss of a region (docs/aws.md).
    restore_from: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9:/-]{0,254}$")] | None = None


class ObjectsSpec(Model):
    """Buckets on S3. Their names carry account and region, so that no stranger's bucket has them."""

    #: Days for which a replaced or deleted version is kept.
    versions_days: Annotated[int, Field(ge=1, le=3650)] = 90
    access_logs_days: Annotated[int, Field(ge=1, le=3650)] = 365
    #: A second region that gets a copy of every new object, with a bucket and key of its own.
    replicate_to: Region | None = None


class CacheSpec(Model):
    """Valkey on ElastiCache: the online store. TLS and a password always."""

    instance: CacheClass = "cache.m7g.large"
    #: Copies in other zones: one or more fail over by themselves.
    replicas: Annotated[int, Field(ge=0, le=5)] = 1
    snapshot_days: Annotated[int, Field(ge=0, le=35)] = 7
