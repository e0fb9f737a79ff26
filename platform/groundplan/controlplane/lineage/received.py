"""An OpenLineage event as it arrives: what has to be right in it before anything of it is kept.

The event classes of the OpenLineage specification (RunEvent, JobEvent, DatasetEvent), version 2; what is not named
here is kept as it came.
"""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator

#: Bytes that a name may have: two of them are one key of the database's index.
LONGEST = 1024
#: Datasets that one event may name on either side.
MOST = 1000


def plain(text: str) -> str:
    """Return a name that can be one. ValueError, which says why, for another."""
    if not text.isprintable():
        raise ValueError("has characters that cannot be printed")
    if len(text.encode()) > LONGEST:
        raise ValueError(f"is longer than {LONGEST} bytes")
    return text


Name = Annotated[str, Field(min_length=1), AfterValidator(plain)]
Facets = dict[str, dict[str, Any]]


class _Part(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True)


class Field_(_Part):
    """One column of a dataset's schema facet."""

    name: Name
    type: Annotated[str, AfterValidator(plain)] | None = None
    description: str | None = None


class _Schema(_Part):
    fields_: list[Field_] = Field(default=[], alias="fields")


class SourceColumn(_Part):
    """A column that another one is made of."""

    namespace: Name
    name: Name
    field: Name
    transformations: list[dict[str, Any]] | None = None


class _ColumnLineageField(_Part):
    inputFields: list[SourceColumn] = []
    transformationType: str | None = None
    transformationDescription: str | None = None


class ColumnLineage(_Part):
    """The facet ``columnLineage`` of a dataset."""

    fields_: dict[Name, _ColumnLineageField] = Field(default={}, alias="fields")
    dataset: list[SourceColumn] = []


class Dataset(_Part):
    """A dataset that an event names."""

    namespace: Name
    name: Name
    facets: Facets | None = None
    inputFacets: Facets | None = None
    outputFacets: Facets | None = None

    @property
    def all_facets(self) -> Facets:
        """All its facets, by name."""
        return {**(self.facets or {}), **(self.inputFacets or {}), **(self.outputFacets or {})}

    @property
    def columns(self) -> list[Field_]:
        """The columns of its schema facet."""
        return _Schema.model_validate(self.all_facets.get("schema", {})).fields_

    @property
    def lineage(self) -> ColumnLineage | None:
        """Its facet ``columnLineage``, or None."""
        given = self.all_facets.get("columnLineage")
        return None if given is None else ColumnLineage.model_validate(given)

    def text(self, facet: str, key: str) -> str | None:
        """Return one text of a facet, None where there is none."""
        value = self.all_facets.get(facet, {}).get(key)
        return value if isinstance(value, str) else None

    @model_validator(mode="after")
    def _facets_are_right(self) -> "Dataset":
        _ = self.columns, self.lineage
        return self


class Job(_Part):
    """The job that an event names."""

    namespace: Name
    name: Name
    facets: Facets | None = None


class Run(_Part):
    """The run that an event names."""

    runId: UUID
    facets: Facets | None = None


class Event(_Part):
    """One event: of a run (``run`` and ``job``), of a job, or of a dataset."""

    eventTime: AwareDatetime
    eventType: Literal["START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"] | None = None
    producer: str
    schemaURL: str | None = None
    run: Run | None = None
    job: Job | None = None
    dataset: Dataset | None = None
    inputs: Annotated[list[Dataset], Field(max_length=MOST)] | None = None
    outputs: Annotated[list[Dataset], Field(max_length=MOST)] | None = None

    @model_validator(mode="after")
    def _is_about_something(self) -> "Event":
        if self.run is not None and self.job is None:
            raise ValueError("a run needs its job")
        if self.job is None and self.dataset is None:
            raise ValueError("is about nothing: allowed: a run with its job, a job, or a dataset")
        return self
