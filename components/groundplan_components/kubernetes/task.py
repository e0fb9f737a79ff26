"""Work that is done once, and again when what it is made from changes: a Job. Idempotent, as its program is."""

from dataclasses import replace

import pulumi

from groundplan_components.kubernetes.objects import Manifest, declare
from groundplan_components.kubernetes.place import Place
from groundplan_components.kubernetes.pods import Pod
from groundplan_components.kubernetes.workload import account

TRIES, SECONDS = 6, 900


class Task(pulumi.ComponentResource):
    """A Job and its service account. ``job``: wait for it. A changed Job is deleted and run again."""

    job: pulumi.CustomResource

    def __init__(self, title: str, pod: Pod, place: Place, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("groundplan:kubernetes:Task", title, None, opts)
        first = declare(f"{title}-account", account(pod, place), pulumi.ResourceOptions(parent=self))
        again = pulumi.ResourceOptions(
            parent=self, depends_on=[first], delete_before_replace=True, replace_on_changes=["spec.template"],
        )  # fmt: skip
        self.job = declare(f"{title}-job", job(pod, place), again)
        self.register_outputs({})


def job(pod: Pod, place: Place) -> Manifest:
    """Return the Job. It stays when it is done: one that cleaned itself up would be missed, and run at every up."""
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": place.metadata(pod.name, pod.component),
        "spec": job_spec(pod, place),
    }


def job_spec(pod: Pod, place: Place) -> Manifest:
    """Return what Jobs and CronJobs run: a few tries, an end to each, no probes, no budget."""
    once = replace(pod, restart="OnFailure")
    return {
        "backoffLimit": TRIES,
        "activeDeadlineSeconds": SECONDS,
        "template": once.template(place),
    }
