"""The facets of our events: OpenLineage's own, by its classes, and those that it has no word for."""

from collections.abc import Mapping, Sequence
from typing import Any

import attr
from openlineage.client import facet_v2
from openlineage.client.event_v2 import set_producer

from groundplan.controlplane.lineage.naming import PRODUCER
from groundplan.lineage import Columns
from groundplan.spec.personal import ATTRIBUTE

set_producer(PRODUCER)
SCHEMAS = f"{PRODUCER}/blob/main/docs/lineage.md"


@attr.define
class PairVersionDatasetFacet(facet_v2.DatasetFacet):
    """Which pair version a dataset is, or points to, and what was measured of it."""

    version: int | None
    alias: str | None = None
    previousVersion: int | None = None
    digest: str | None = None
    mlflowRunId: str | None = None
    trainedBy: str | None = None
    metrics: dict[str, Any] | None = None
    gates: list[Any] | None = None

    @staticmethod
    def _get_schema() -> str:
        return f"{SCHEMAS}#groundplan_pairversion"


@attr.define
class ServingDatasetFacet(facet_v2.DatasetFacet):
    """What answers behind an endpoint: alias → pair version."""

    endpoint: str | None
    aliases: dict[str, int]
    serves: int | None = None

    @staticmethod
    def _get_schema() -> str:
        return f"{SCHEMAS}#groundplan_serving"


@attr.define
class ChangeRunFacet(facet_v2.RunFacet):
    """Who made it happen, and from which declaration."""

    actor: str
    action: str
    event: int
    reason: str | None = None
    correlationId: str | None = None
    digest: str | None = None
    dataDigest: str | None = None

    @staticmethod
    def _get_schema() -> str:
        return f"{SCHEMAS}#groundplan_change"


@attr.define
class UpRunFacet(facet_v2.RunFacet):
    """One ``groundplan up``: the commit and the plan that it brought about, and what that changed."""

    planDigest: str
    changes: list[dict[str, Any]]
    commit: str | None = None
    dirty: bool | None = None

    @staticmethod
    def _get_schema() -> str:
        return f"{SCHEMAS}#groundplan_up"


def schema(fields: Mapping[str, str]) -> dict[str, Any]:
    """Return the facet that names a dataset's columns; none where they are not known."""
    columns = [facet_v2.schema_dataset.SchemaDatasetFacetFields(name=name, type=type) for name, type in fields.items()]
    return {"schema": facet_v2.schema_dataset.SchemaDatasetFacet(fields=columns)} if columns else {}


def ownership(project: Mapping[str, Any] | None, *, job: bool) -> dict[str, Any]:
    """Return the facet that names a project's team and owner."""
    if project is None:
        return {}
    kind = facet_v2.ownership_job if job else facet_v2.ownership_dataset
    owners = [
        kind.Owner(name=f"team:{project['team']}", type="MAINTAINER"),
        kind.Owner(name=str(project["owner"]), type="OWNER"),
    ]
    return {"ownership": (kind.OwnershipJobFacet if job else kind.OwnershipDatasetFacet)(owners=owners)}


def quality(rows: int | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the facets of a table that was written: how many rows (of a dataset, and of an output)."""
    if rows is None:
        return {}, {}
    metrics = facet_v2.data_quality_metrics_dataset.DataQualityMetricsDatasetFacet(columnMetrics={}, rowCount=rows)
    written = facet_v2.output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(rowCount=rows)
    return {"dataQualityMetrics": metrics}, {"outputStatistics": written}


def stored_at(name: str, uri: str | None) -> dict[str, Any]:
    """Return the facet that says where a dataset lies."""
    return {"dataSource": facet_v2.datasource_dataset.DatasourceDatasetFacet(name=name, uri=uri)} if uri else {}


def version(text: str) -> dict[str, Any]:
    """Return the facet that names a dataset's version."""
    return {"version": facet_v2.dataset_version_dataset.DatasetVersionDatasetFacet(datasetVersion=text)}


def documentation(text: str | None) -> dict[str, Any]:
    """Return the facet that describes a dataset."""
    return {"documentation": facet_v2.documentation_dataset.DocumentationDatasetFacet(description=text)} if text else {}


def tagged(tags: Mapping[str, str], personal: Sequence[str] | None = None, id: str = "") -> dict[str, Any]:
    """Return the facet with a dataset's tags; ``personal``: by which declarations the node ``id`` holds personal data.

    Such a dataset is tagged ``personal_data``, and so are the columns of its own that its declaration names.
    """
    kind = facet_v2.tags_dataset.TagsDatasetFacetFields
    fields = [kind(key=k, value=str(v)) for k, v in sorted(tags.items())]
    if personal:
        fields.append(kind(key=ATTRIBUTE, value=", ".join(personal)))
        own = (mark.removeprefix(f"{id}.") for mark in personal if mark.startswith(f"{id}."))
        fields += [kind(key=ATTRIBUTE, value="true", field=column) for column in own]
    return {"tags": facet_v2.tags_dataset.TagsDatasetFacet(tags=fields)} if fields else {}


def dropped() -> dict[str, Any]:
    """Return the facet that says that a dataset is gone."""
    kind = facet_v2.lifecycle_state_change_dataset
    change = kind.LifecycleStateChangeDatasetFacet(lifecycleStateChange=kind.LifecycleStateChange.DROP)
    return {"lifecycleStateChange": change}


def columns(found: Columns | None, datasets: Mapping[str, tuple[str, str]]) -> dict[str, Any]:
    """Return the facet that says how columns come from others; none where that is not known.

    ``datasets``: the node ids that the columns name → namespace and name.
    """
    if found is None:
        return {}
    kind = facet_v2.column_lineage_dataset

    def source(column: tuple[str, str], type: str) -> Any:
        how = [kind.Transformation(type=type)]
        return kind.InputField(*datasets[column[0]], field=column[1], transformations=how)

    def sources(made_of: frozenset[tuple[str, str]], type: str) -> list[Any]:
        return [source(column, type) for column in sorted(made_of) if column[0] in datasets]

    fields = {
        name: kind.Fields(inputFields=sources(made_of, "DIRECT"), transformationType="DIRECT")
        for name, made_of in found.direct.items()
    }
    everywhere = sources(found.everywhere, "INDIRECT")
    return {"columnLineage": kind.ColumnLineageDatasetFacet(fields=fields, dataset=everywhere)}


def job_type(kind: str, *, service: bool) -> dict[str, Any]:
    """Return the facet that says what kind of job it is."""
    processing = "SERVICE" if service else "BATCH"
    return {
        "jobType": facet_v2.job_type_job.JobTypeJobFacet(
            processingType=processing, integration="GROUNDPLAN", jobType=kind.upper()
        )
    }


def sql(text: str | None) -> dict[str, Any]:
    """Return the facet with a job's SQL."""
    return {"sql": facet_v2.sql_job.SQLJobFacet(query=text, dialect="duckdb")} if text else {}


def error(message: str | None) -> dict[str, Any]:
    """Return the facet that says why a run failed."""
    if not message:
        return {}
    kind = facet_v2.error_message_run.ErrorMessageRunFacet
    return {"errorMessage": kind(message=message, programmingLanguage="Python")}
