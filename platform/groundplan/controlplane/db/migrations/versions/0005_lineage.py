"""Lineage: the outbox, which begins with all that happened before there was one, and what Marquez's API tells of."""

from alembic import op

revision = "0005"
down_revision = "0004"

OUTBOX = """
CREATE TABLE lineage_outbox (
    event BIGINT PRIMARY KEY REFERENCES events (seq),
    documents JSONB,
    stored_at TIMESTAMPTZ,
    sent_at TIMESTAMPTZ,
    tries INTEGER NOT NULL DEFAULT 0,
    problem TEXT
);
CREATE INDEX lineage_outbox_to_store ON lineage_outbox (event) WHERE stored_at IS NULL;
CREATE INDEX lineage_outbox_to_send ON lineage_outbox (event) WHERE sent_at IS NULL;
INSERT INTO lineage_outbox (event) SELECT seq FROM events;
"""
RECEIVED = """
CREATE TABLE lineage_events (
    id TEXT PRIMARY KEY,
    seq BIGINT GENERATED ALWAYS AS IDENTITY UNIQUE,
    received_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    event_time TIMESTAMPTZ NOT NULL,
    run_id UUID,
    namespace TEXT NOT NULL,
    event JSONB NOT NULL
);
CREATE INDEX ix_lineage_events_event_time ON lineage_events (event_time);
CREATE INDEX ix_lineage_events_run_id ON lineage_events (run_id);
CREATE INDEX ix_lineage_events_namespace ON lineage_events (namespace);
CREATE TABLE lineage_namespaces (
    name TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    description TEXT,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE TABLE lineage_sources (
    name TEXT PRIMARY KEY,
    type TEXT NOT NULL,
    connection_url TEXT NOT NULL,
    description TEXT,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE TABLE lineage_tags (name TEXT PRIMARY KEY, description TEXT);
"""
DATASETS = """
CREATE TABLE lineage_datasets (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    physical_name TEXT NOT NULL,
    source TEXT NOT NULL,
    description TEXT,
    lifecycle_state TEXT,
    fields JSONB NOT NULL DEFAULT '[]',
    facets JSONB NOT NULL DEFAULT '{}',
    tags TEXT[] NOT NULL DEFAULT '{}',
    version UUID NOT NULL,
    deleted BOOLEAN NOT NULL DEFAULT false,
    modified_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    UNIQUE (namespace, name)
);
CREATE TABLE lineage_dataset_versions (
    version UUID PRIMARY KEY,
    seq BIGINT GENERATED ALWAYS AS IDENTITY,
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    lifecycle_state TEXT,
    fields JSONB NOT NULL DEFAULT '[]',
    facets JSONB NOT NULL DEFAULT '{}',
    run_id UUID,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE INDEX lineage_dataset_versions_of ON lineage_dataset_versions (namespace, name);
"""
JOBS = """
CREATE TABLE lineage_jobs (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    description TEXT,
    location TEXT,
    facets JSONB NOT NULL DEFAULT '{}',
    version UUID NOT NULL,
    latest_run UUID,
    edges_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    UNIQUE (namespace, name)
);
CREATE TABLE lineage_job_versions (
    version UUID PRIMARY KEY,
    seq BIGINT GENERATED ALWAYS AS IDENTITY,
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    location TEXT,
    inputs JSONB NOT NULL DEFAULT '[]',
    outputs JSONB NOT NULL DEFAULT '[]',
    latest_run UUID,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE INDEX lineage_job_versions_of ON lineage_job_versions (namespace, name);
CREATE TABLE lineage_runs (
    id UUID PRIMARY KEY,
    seq BIGINT GENERATED ALWAYS AS IDENTITY,
    namespace TEXT NOT NULL,
    job TEXT NOT NULL,
    state TEXT NOT NULL,
    job_version UUID,
    inputs JSONB NOT NULL DEFAULT '[]',
    outputs JSONB NOT NULL DEFAULT '[]',
    facets JSONB NOT NULL DEFAULT '{}',
    args JSONB NOT NULL DEFAULT '{}',
    started_at TIMESTAMPTZ,
    ended_at TIMESTAMPTZ,
    nominal_start_at TIMESTAMPTZ,
    nominal_end_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE INDEX lineage_runs_of ON lineage_runs (namespace, job);
"""
GRAPH = """
CREATE TABLE lineage_edges (
    job BIGINT NOT NULL REFERENCES lineage_jobs (id),
    dataset BIGINT NOT NULL REFERENCES lineage_datasets (id),
    output BOOLEAN NOT NULL,
    PRIMARY KEY (job, dataset, output)
);
CREATE INDEX ix_lineage_edges_dataset ON lineage_edges (dataset);
CREATE TABLE lineage_columns (
    dataset BIGINT NOT NULL REFERENCES lineage_datasets (id),
    field TEXT NOT NULL,
    source BIGINT NOT NULL REFERENCES lineage_datasets (id),
    source_field TEXT NOT NULL,
    transformation TEXT,
    description TEXT,
    PRIMARY KEY (dataset, field, source, source_field)
);
CREATE INDEX ix_lineage_columns_source ON lineage_columns (source);
"""


def upgrade() -> None:
    """Create the tables; what happened before is told too, in its order."""
    for statements in (OUTBOX, RECEIVED, DATASETS, JOBS, GRAPH):
        for statement in statements.split(";\n"):
            if statement.strip():
                op.execute(statement)
