"""Backups of PostgreSQL and the object store: a CronJob that saves, and one that never runs by itself and restores."""

from dataclasses import replace

import pulumi

from groundplan_components.kubernetes.objects import UNAWAITED, Manifest, declare
from groundplan_components.kubernetes.part import Shared, own_pod
from groundplan_components.kubernetes.pods import Mount, Pod
from groundplan_components.kubernetes.site import Site
from groundplan_components.kubernetes.task import job_spec
from groundplan_components.kubernetes.workload import Storage, account, claim

SECRETS = ("database-admin", "objects-access-key", "objects-secret-key")
NAME, FOLDER = "backup", "/backup"
SECONDS = 4 * 3600


class Backup(pulumi.ComponentResource):
    """The volume for backups, ``cronjob/backup`` by the declared schedule, and ``cronjob/restore``, suspended.

    ``kubectl create job restore --from=cronjob/restore`` brings the latest back (docs/kubernetes.md).
    """

    def __init__(self, title: str, site: Site, shared: Shared, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("groundplan:kubernetes:Backup", title, None, opts)
        own = pulumi.ResourceOptions(parent=self)
        kept = pulumi.ResourceOptions(parent=self, retain_on_delete=site.place.keep)
        declare(f"{title}-volume", volume(site), kept)
        saving, restoring = pods(site, shared)
        for pod in (saving, restoring):
            declare(f"{title}-{pod.name}-account", account(pod, site.place), own)
        declare(f"{title}-save", cron_job(saving, site, site.cluster.backup.schedule), own)
        declare(f"{title}-restore", cron_job(restoring, site, site.cluster.backup.schedule, suspended=True), own)
        self.register_outputs({})


def pods(site: Site, shared: Shared) -> tuple[Pod, Pod]:
    """Return what saves and what restores: one program for PostgreSQL, then one for the objects."""
    keep = f"keep={site.cluster.backup.keep}"
    save = (("groundplan.backup.database", "save", FOLDER), ("groundplan.backup.objects", "save", FOLDER, keep))
    bring = (("groundplan.backup.database", "restore", FOLDER), ("groundplan.backup.objects", "restore", FOLDER))
    return _pod(site, shared, NAME, *save), _pod(site, shared, "restore", *bring)


def _pod(site: Site, shared: Shared, name: str, database: tuple[str, ...], objects: tuple[str, ...]) -> Pod:
    mount = Mount("backup", FOLDER, {"persistentVolumeClaim": {"claimName": NAME}}, read_only=False)
    first = own_pod(site, NAME, shared, database, name=name, image="services", secrets=SECRETS, more=(mount,))
    second = own_pod(site, NAME, shared, objects, name=name, secrets=SECRETS, more=(mount,))
    before = replace(first.containers[0], name="database")
    return replace(second, init=(*second.init, before))


def volume(site: Site) -> Manifest:
    """Return the claim of the volume for backups."""
    storage = Storage(site.cluster.backup.storage_gb, NAME)
    body = claim(storage, site.place, NAME)["spec"]
    metadata = site.place.metadata(NAME, NAME)
    # Bound when the first backup runs, on the node where that is: to wait for it would be to wait for ever.
    metadata["annotations"] = UNAWAITED
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": body}


def cron_job(pod: Pod, site: Site, schedule: str, suspended: bool = False) -> Manifest:
    """Return the CronJob; one at a time, in UTC."""
    template = {**job_spec(pod, site.place), "activeDeadlineSeconds": SECONDS, "ttlSecondsAfterFinished": 7 * 86400}
    body = {
        "schedule": schedule,
        "timeZone": "Etc/UTC",
        "suspend": suspended,
        "concurrencyPolicy": "Forbid",
        "successfulJobsHistoryLimit": 3,
        "failedJobsHistoryLimit": 3,
        "jobTemplate": {"metadata": {"labels": site.place.labels(pod.name, NAME)}, "spec": template},
    }
    metadata = site.place.metadata(pod.name, NAME)
    return {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": metadata, "spec": body}
