"""A feature view's newest rows, from the offline to the online store."""

from datetime import UTC, datetime
from typing import Any

from groundplan_runtime import feast_repo, pointintime, storage
from groundplan_runtime.config import Runtime
from groundplan_runtime.errors import RuntimeProblem
from groundplan_runtime.jobs.document import Job


def run(job: Job, runtime: Runtime) -> dict[str, Any]:
    """Write what history would answer at ``as_of`` into the online store. Returns how many entities have a row there.

    The whole window [as_of - ttl, as_of] is read each time: the same job twice leaves the same rows.
    """
    from feast.errors import FeatureViewNotFoundException

    name, as_of = job.properties["view"], feast_repo.instant(job.properties["as_of"])
    store = feast_repo.store(runtime, job.project)
    try:
        view = store.get_feature_view(name)
    except FeatureViewNotFoundException:
        raise RuntimeProblem("no such feature view in Feast's registry", path="view", value=name) from None
    start = as_of - view.ttl if view.ttl else datetime(1970, 1, 1, tzinfo=UTC)
    keys, source = list(view.join_keys), view.batch_source
    rows = pointintime.latest(
        storage.read_table(source.path, [*keys, source.timestamp_field]), keys, source.timestamp_field, start, as_of
    ).num_rows
    if not rows:
        raise RuntimeProblem("no row lies within its ttl at as_of", path=f"feature_views.{name}.ttl", value=view.ttl)
    job.say(f"{name}: {rows:,} entities as of {as_of:%Y-%m-%d %H:%M} UTC")
    store.materialize(start_date=start, end_date=as_of, feature_views=[name])
    return {"rows": rows}
