"""Projects, entities, data sources, feature views and services, materializations."""

from collections.abc import Sequence
from typing import Any

from groundplan.controlplane.context import Platform, Work
from groundplan.controlplane.kinds import jobs
from groundplan.controlplane.kinds.base import Carry, Kind, Observed, Outcome, Step, find, need, same
from groundplan.controlplane.problem import ApiProblem
from groundplan.controlplane.store import Actor, Resource
from groundplan.plan import digest_of


class Project(Kind):
    """A project and its code, which was uploaded before."""

    slug = "project"

    def admit(self, platform: Platform, resource: Resource) -> None:
        """Its code has to be there."""
        digest = digest_of(resource.properties["code"])
        if not platform.objects.exists(f"s3://{platform.runtime.bucket}/code/{resource.project}/{digest}.zip"):
            raise ApiProblem(409, "the project's code has not been uploaded", path=resource.id, value=digest)

    def steps(self) -> Sequence[Step]:
        """Nothing but its row."""
        return (lambda work, _: Outcome({"code_digest": digest_of(work.resource.properties["code"])}).carry(),)

    def delete(self, platform: Platform, resource: Resource, purge: bool, actor: Actor) -> None:
        """Its code stays unless purged."""
        if purge:
            platform.objects.delete_prefix(f"code/{resource.project}/")


class _InFeast(Kind):
    """Something that stands in Feast's registry: what is looked at is what Feast has."""

    def observe(self, platform: Platform, resource: Resource) -> Observed | None:
        """Return the registry's properties over the declared ones (which hold what Feast does not)."""
        real = platform.feast.observe(resource.project, self.slug, resource.name, resource.properties)
        if real is None:
            return None
        real = {key: value for key, value in real.items() if key in resource.properties}
        drifted = not same(real, resource.properties) and resource.status == "ready"
        message = "changed by hand in the feature store" if drifted else resource.message
        status = "drifted" if drifted else resource.status
        return Observed({**resource.properties, **real}, resource.outputs, status, message)

    def delete(self, platform: Platform, resource: Resource, purge: bool, actor: Actor) -> None:
        """Take it out of the registry."""
        platform.feast.delete(resource.project, self.slug, resource.name)


class Entity(_InFeast):
    """What features are about."""

    slug = "entity"

    def steps(self) -> Sequence[Step]:
        """Apply it."""
        return (self._apply,)

    def _apply(self, work: Work, _: Carry) -> Carry:
        resource = work.resource
        work.platform.feast.apply_entity(resource.project, resource.name, resource.properties)
        return Outcome().carry()


class _ByJob(Kind):
    """Something that a job on Ray makes."""

    long = True

    def cancel(self, platform: Platform, operation: str) -> None:
        """Stop the job."""
        jobs.stop(platform, operation)


class DataSource(_ByJob):
    """A raw table, ingested once a digest."""

    slug = "data_source"

    def admit(self, platform: Platform, resource: Resource) -> None:
        """It names one object, and none of the platform's own: those are other people's data."""
        path, own = str(resource.properties.get("path") or ""), platform.runtime.bucket
        bucket = path.removeprefix("s3://").partition("/")[0] if path.startswith("s3://") else None
        if bucket is not None and (bucket in (own, f"{own}-kept") or set("*?") & set(path)):
            allowed = "one object of a bucket that is not the platform's own"
            raise ApiProblem(422, "cannot be a data source", path=f"{resource.id}.path", value=path, allowed=allowed)

    def steps(self) -> Sequence[Step]:
        """Ingest it."""
        return (self._ingest,)

    def _ingest(self, work: Work, _: Carry) -> Carry:
        resource = work.resource
        uri = (
            f"s3://{work.platform.runtime.bucket}/raw/{resource.project}/{resource.name}/{resource.data_digest}.parquet"
        )
        return Outcome({"uri": uri, **jobs.run(work, "ingest", uri)}).carry()

    def observe(self, platform: Platform, resource: Resource) -> Observed | None:
        """Its table has to be in the object store."""
        return _with_table(platform, resource)

    def delete(self, platform: Platform, resource: Resource, purge: bool, actor: Actor) -> None:
        """Its tables stay unless purged."""
        if purge:
            platform.objects.delete_prefix(f"raw/{resource.project}/{resource.name}/")


class FeatureView(_ByJob, _InFeast):
    """Features, built by SQL or Python into Parquet, and known to Feast."""

    slug = "feature_view"

    def admit(self, platform: Platform, resource: Resource) -> None:
        """Its entities and inputs have to be there."""
        jobs.entities_of(platform, resource.project, resource.properties["entities"])
        jobs.tables(platform, resource, resource.properties["inputs"])

    def steps(self) -> Sequence[Step]:
        """Build the table, then make it known."""
        return (self._build, self._apply)

    def _build(self, work: Work, _: Carry) -> Carry:
        platform, resource = work.platform, work.resource
        uri = (
            f"s3://{platform.runtime.bucket}/features/{resource.project}/{resource.name}/{resource.data_digest}.parquet"
        )
        inputs = jobs.tables(platform, resource, resource.properties["inputs"])
        entities = jobs.entities_of(platform, resource.project, resource.properties["entities"])
        return {"uri": uri, **jobs.run(work, "features", uri, inputs=inputs, entities=entities)}

    def _apply(self, work: Work, built: Carry) -> Carry:
        resource = work.resource
        entities = jobs.entities_of(work.platform, resource.project, resource.properties["entities"])
        work.platform.feast.apply_feature_view(
            resource.project, resource.name, resource.properties, uri=built["uri"], entities=entities
        )
        return Outcome(built).carry()

    def observe(self, platform: Platform, resource: Resource) -> Observed | None:
        """Both the registry and the table count."""
        table = _with_table(platform, resource)
        return super().observe(platform, resource) if table.status != "drifted" else table

    def delete(self, platform: Platform, resource: Resource, purge: bool, actor: Actor) -> None:
        """Its tables stay unless purged."""
        super().delete(platform, resource, purge, actor)
        if purge:
            platform.objects.delete_prefix(f"features/{resource.project}/{resource.name}/")


class FeatureService(_InFeast):
    """The features that a model uses, under one name."""

    slug = "feature_service"

    def admit(self, platform: Platform, resource: Resource) -> None:
        """Its views have to be there."""
        for view in resource.properties["views"]:
            need(platform, resource.project, "feature_view", view)

    def steps(self) -> Sequence[Step]:
        """Apply it."""
        return (self._apply,)

    def _apply(self, work: Work, _: Carry) -> Carry:
        resource = work.resource
        work.platform.feast.apply_feature_service(resource.project, resource.name, resource.properties)
        return Outcome().carry()


class Materialization(_ByJob):
    """A feature view's newest rows in the online store."""

    slug = "materialization"

    def admit(self, platform: Platform, resource: Resource) -> None:
        """Its view has to be there."""
        need(platform, resource.project, "feature_view", resource.properties["view"])

    def steps(self) -> Sequence[Step]:
        """Load it."""
        return (self._load,)

    def _load(self, work: Work, _: Carry) -> Carry:
        resource = work.resource
        view = need(work.platform, resource.project, "feature_view", resource.properties["view"])
        # Once an operation, not once a digest: whoever asks again has seen that the online rows are gone.
        once = work.operation.replace(":", "-")
        result = jobs.run(work, "materialize", once=once, views={view.name: describe(view)})
        return Outcome(result).carry()

    def observe(self, platform: Platform, resource: Resource) -> Observed | None:
        """Rows have to be online."""
        lost = resource.status == "ready" and not platform.feast.has_online_rows(resource.project, resource.name)
        status, message = ("drifted", "its online rows are gone") if lost else (resource.status, resource.message)
        return Observed(resource.properties, resource.outputs, status, message)

    def delete(self, platform: Platform, resource: Resource, purge: bool, actor: Actor) -> None:
        """Take its rows offline."""
        if find(platform, resource.project, "feature_view", resource.properties["view"]):
            platform.feast.drop_online(resource.project, resource.properties["view"])
        platform.objects.delete_prefix(f"results/{resource.project}/{resource.kind}/{resource.name}/")


def describe(view: Resource) -> dict[str, Any]:
    """Return a feature view as jobs are told of it."""
    keys = ("entities", "timestamp", "ttl", "fields")
    return {"uri": view.outputs["uri"], **{key: view.properties[key] for key in keys}}


def _with_table(platform: Platform, resource: Resource) -> Observed:
    uri = resource.outputs.get("uri")
    lost = resource.status == "ready" and not (uri and platform.objects.exists(uri))
    status, message = (
        ("drifted", "its table is gone from the object store") if lost else (resource.status, resource.message)
    )
    return Observed(resource.properties, resource.outputs, status, message)
