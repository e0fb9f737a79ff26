"""The tables of lineage: the outbox, and what Marquez's API tells of. What creates them is ``migrations``."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from groundplan.controlplane.db.tables import metadata


def _now(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now())


def _texts(*names: str, key: bool = False, nullable: bool = False) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, primary_key=key, nullable=nullable) for name in names]


def _id(name: str = "id") -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, sa.Identity(always=True), primary_key=True)


def _json(name: str, empty: str) -> sa.Column[object]:
    return sa.Column(name, JSONB, nullable=False, server_default=sa.text(f"'{empty}'::jsonb"))


#: One row an event of ours, written with it. ``documents``: what it is in OpenLineage, once it has been put so.
outbox = sa.Table(
    "lineage_outbox",
    metadata,
    sa.Column("event", sa.BigInteger, sa.ForeignKey("events.seq"), primary_key=True, autoincrement=False),
    sa.Column("documents", JSONB),
    sa.Column("stored_at", sa.DateTime(timezone=True)),
    sa.Column("sent_at", sa.DateTime(timezone=True)),
    sa.Column("tries", sa.Integer, nullable=False, server_default="0"),
    #: Why it was not delivered yet; with ``stored_at`` or ``sent_at``: why it never will be.
    sa.Column("problem", sa.Text),
    sa.Index("lineage_outbox_to_store", "event", postgresql_where=sa.text("stored_at IS NULL")),
    sa.Index("lineage_outbox_to_send", "event", postgresql_where=sa.text("sent_at IS NULL")),
)

#: Every OpenLineage event that was received, as it was; ``id`` is its digest: one that comes twice is one.
received = sa.Table(
    "lineage_events",
    metadata,
    *_texts("id", key=True),
    sa.Column("seq", sa.BigInteger, sa.Identity(always=True), unique=True),
    _now("received_at"),
    sa.Column("event_time", sa.DateTime(timezone=True), nullable=False, index=True),
    sa.Column("run_id", UUID(as_uuid=False), index=True),
    sa.Column("namespace", sa.Text, nullable=False, index=True),
    sa.Column("event", JSONB, nullable=False),
)

namespaces = sa.Table(
    "lineage_namespaces",
    metadata,
    *_texts("name", key=True),
    *_texts("owner"),
    *_texts("description", nullable=True),
    _now("created_at"),
    _now("updated_at"),
)

sources = sa.Table(
    "lineage_sources",
    metadata,
    *_texts("name", key=True),
    *_texts("type", "connection_url"),
    *_texts("description", nullable=True),
    _now("created_at"),
    _now("updated_at"),
)

tags = sa.Table("lineage_tags", metadata, *_texts("name", key=True), *_texts("description", nullable=True))

datasets = sa.Table(
    "lineage_datasets",
    metadata,
    _id(),
    *_texts("namespace", "name"),
    *_texts("type", "physical_name", "source"),
    *_texts("description", "lifecycle_state", nullable=True),
    #: [{"name", "type", "description", "tags"}]
    _json("fields", "[]"),
    _json("facets", "{}"),
    sa.Column("tags", ARRAY(sa.Text), nullable=False, server_default="{}"),
    sa.Column("version", UUID(as_uuid=False), nullable=False),
    sa.Column("deleted", sa.Boolean, nullable=False, server_default="false"),
    sa.Column("modified_at", sa.DateTime(timezone=True)),
    _now("created_at"),
    _now("updated_at"),
    sa.UniqueConstraint("namespace", "name"),
)

dataset_versions = sa.Table(
    "lineage_dataset_versions",
    metadata,
    sa.Column("version", UUID(as_uuid=False), primary_key=True),
    sa.Column("seq", sa.BigInteger, sa.Identity(always=True)),
    *_texts("namespace", "name"),
    *_texts("description", "lifecycle_state", nullable=True),
    _json("fields", "[]"),
    _json("facets", "{}"),
    sa.Column("run_id", UUID(as_uuid=False)),
    _now("created_at"),
    sa.Index("lineage_dataset_versions_of", "namespace", "name"),
)

jobs = sa.Table(
    "lineage_jobs",
    metadata,
    _id(),
    *_texts("namespace", "name"),
    *_texts("type"),
    *_texts("description", "location", nullable=True),
    _json("facets", "{}"),
    sa.Column("version", UUID(as_uuid=False), nullable=False),
    sa.Column("latest_run", UUID(as_uuid=False)),
    #: When the run began whose inputs and outputs are the job's edges now: an older one does not change them.
    sa.Column("edges_at", sa.DateTime(timezone=True)),
    _now("created_at"),
    _now("updated_at"),
    sa.UniqueConstraint("namespace", "name"),
)

job_versions = sa.Table(
    "lineage_job_versions",
    metadata,
    sa.Column("version", UUID(as_uuid=False), primary_key=True),
    sa.Column("seq", sa.BigInteger, sa.Identity(always=True)),
    *_texts("namespace", "name"),
    *_texts("location", nullable=True),
    _json("inputs", "[]"),
    _json("outputs", "[]"),
    sa.Column("latest_run", UUID(as_uuid=False)),
    _now("created_at"),
    sa.Index("lineage_job_versions_of", "namespace", "name"),
)

runs = sa.Table(
    "lineage_runs",
    metadata,
    sa.Column("id", UUID(as_uuid=False), primary_key=True),
    sa.Column("seq", sa.BigInteger, sa.Identity(always=True)),
    *_texts("namespace", "job", "state"),
    sa.Column("job_version", UUID(as_uuid=False)),
    #: [{"namespace", "name", "version"}]
    _json("inputs", "[]"),
    _json("outputs", "[]"),
    _json("facets", "{}"),
    _json("args", "{}"),
    *(
        sa.Column(name, sa.DateTime(timezone=True))
        for name in ("started_at", "ended_at", "nominal_start_at", "nominal_end_at")
    ),
    _now("created_at"),
    _now("updated_at"),
    sa.Index("lineage_runs_of", "namespace", "job"),
)

#: What a job reads (``output`` false) and writes, as its newest run did: the graph.
edges = sa.Table(
    "lineage_edges",
    metadata,
    sa.Column("job", sa.BigInteger, sa.ForeignKey("lineage_jobs.id"), primary_key=True),
    sa.Column("dataset", sa.BigInteger, sa.ForeignKey("lineage_datasets.id"), primary_key=True, index=True),
    sa.Column("output", sa.Boolean, primary_key=True),
)

#: How a dataset's columns come from others'; ``field`` empty: the other column decides over all of them.
columns = sa.Table(
    "lineage_columns",
    metadata,
    sa.Column("dataset", sa.BigInteger, sa.ForeignKey("lineage_datasets.id"), primary_key=True),
    sa.Column("field", sa.Text, primary_key=True),
    sa.Column("source", sa.BigInteger, sa.ForeignKey("lineage_datasets.id"), primary_key=True, index=True),
    sa.Column("source_field", sa.Text, primary_key=True),
    *_texts("transformation", "description", nullable=True),
)

TABLES = (
    outbox,
    received,
    namespaces,
    sources,
    tags,
    datasets,
    dataset_versions,
    jobs,
    job_versions,
    runs,
    edges,
    columns,
)
