"""Feast's offline store over Parquet in the object store, joined by DuckDB: no extension, no download, no server.

Feast's own file store multiplies rows before it filters them, and its DuckDB store needs DuckDB's httpfs extension,
which cannot be had where only package registries are reached. This one reads Parquet with pyarrow.
"""
# ruff: noqa: ARG004 - the signatures are Feast's, which passes arguments by name

from typing import Any

import pandas as pd
from feast.infra.offline_stores.offline_store import OfflineStore, RetrievalJob, RetrievalMetadata
from feast.infra.offline_stores.offline_utils import infer_event_timestamp_from_entity_df
from feast.repo_config import FeastConfigBaseModel

from groundplan_runtime import pointintime, storage

TYPE = "groundplan_runtime.offline.ObjectStoreDuckDBOfflineStore"


class ObjectStoreDuckDBOfflineStoreConfig(FeastConfigBaseModel):
    """Nothing to configure: where the objects are and with what credentials, the environment says."""

    type: str = TYPE


class ArrowJob(RetrievalJob):
    """A retrieval that is a table already."""

    full_feature_names = True
    on_demand_feature_views: list[Any] = []

    def __init__(self, table: Any, metadata: RetrievalMetadata | None = None) -> None:
        super().__init__()
        self._table, self._metadata = table, metadata

    @property
    def metadata(self) -> RetrievalMetadata | None:
        """Which features and keys were asked for, over what span."""
        return self._metadata

    def _to_df_internal(self, timeout: int | None = None) -> pd.DataFrame:
        return self._table.to_pandas()

    def _to_arrow_internal(self, timeout: int | None = None) -> Any:
        return self._table


class ObjectStoreDuckDBOfflineStore(OfflineStore):
    """Reads a view's Parquet whole, joins and filters in memory."""

    @staticmethod
    def get_historical_features(
        config: Any,
        feature_views: list[Any],
        feature_refs: list[str],
        entity_df: Any,
        registry: Any,
        project: str,
        full_feature_names: bool = False,
        **unused: Any,
    ) -> RetrievalJob:
        """Join the examples with their features as they were known at each example's time."""
        import pyarrow as pa

        if not isinstance(entity_df, pd.DataFrame):
            raise TypeError("examples are a DataFrame: this store takes no SQL")
        timestamp = infer_event_timestamp_from_entity_df(dict(zip(entity_df.columns, entity_df.dtypes, strict=True)))
        views = [_view(view, feature_refs, full_feature_names) for view in feature_views]
        found = pointintime.join(pa.Table.from_pandas(entity_df, preserve_index=False), timestamp, views)
        keys = [name for name in entity_df.columns if name != timestamp]
        ends = (entity_df[timestamp].min(), entity_df[timestamp].max())
        return ArrowJob(found, RetrievalMetadata(feature_refs, keys, *ends))

    @staticmethod
    def pull_latest_from_table_or_query(
        config: Any,
        data_source: Any,
        join_key_columns: list[str],
        feature_name_columns: list[str],
        timestamp_field: str,
        created_timestamp_column: str | None,
        start_date: Any,
        end_date: Any,
    ) -> RetrievalJob:
        """Return each entity's newest row in the window: what is materialized."""
        table = storage.read_table(data_source.path, [*join_key_columns, *feature_name_columns, timestamp_field])
        return ArrowJob(pointintime.latest(table, join_key_columns, timestamp_field, start_date, end_date))

    @staticmethod
    def pull_all_from_table_or_query(
        config: Any,
        data_source: Any,
        join_key_columns: list[str],
        feature_name_columns: list[str],
        timestamp_field: str,
        created_timestamp_column: str | None = None,
        start_date: Any = None,
        end_date: Any = None,
    ) -> RetrievalJob:
        """Return all rows in the window."""
        table = storage.read_table(data_source.path, [*join_key_columns, *feature_name_columns, timestamp_field])
        return ArrowJob(pointintime.between(table, timestamp_field, start_date, end_date))


def _view(view: Any, references: list[str], prefixed: bool) -> pointintime.View:
    name = view.projection.name_to_use()
    wanted = [field for own, _, field in (reference.partition(":") for reference in references) if own == name]
    keys = view.projection.join_key_map or {column.name: column.name for column in view.entity_columns}
    timestamp = view.batch_source.timestamp_field
    table = storage.read_table(view.batch_source.path, [*keys, timestamp, *wanted])
    ttl = view.ttl.total_seconds() if view.ttl else None
    return pointintime.View(
        name, table, keys, timestamp, ttl, {field: f"{name}__{field}" if prefixed else field for field in wanted}
    )
