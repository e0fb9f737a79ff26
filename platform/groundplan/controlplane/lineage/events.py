"""Our events in OpenLineage's words: what was made, of what, by whom, and which pair version stands where."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.serde import Serde

from groundplan.controlplane.lineage import facets
from groundplan.controlplane.lineage.naming import PRODUCER, dataset_of, name_of, namespace_of, stable_uuid
from groundplan.controlplane.personal import WITHHELD
from groundplan.controlplane.personal import evidence as personal_evidence
from groundplan.lineage import PREDICTION, Columns, Declared, Known, reads_of
from groundplan.spec import marked

#: How work on a resource begins and ends. What else may be said of one (waiting, drifted, …) is no run's.
STATES = {
    "declare": RunState.START,
    "ready": RunState.COMPLETE,
    "flip": RunState.COMPLETE,
    "failed": RunState.FAIL,
    "delete": RunState.COMPLETE,
}
#: Kinds whose work is a run of its own. What an alias does is told by its moves, a pair by its registration.
WORKED_ON = ("data_source", "feature_view", "feature_service", "materialization", "model", "serving_application")
SERVING = "serving_application"


@dataclass(frozen=True)
class Told:
    """One event of ours (a row of ``events``), and what is known around it."""

    row: Mapping[str, Any]
    known: Known
    stack: str
    stack_id: str

    @property
    def after(self) -> Mapping[str, Any]:
        """The document that the event left, or, of a deletion, the one that there was."""
        return self.row["after"] or self.row["before"] or {}

    @property
    def id(self) -> str:
        """The plan's node id of what the event is about."""
        return f"{self.row['project']}/{self.row['kind']}/{self.row['name']}"

    def dataset(self, id: str) -> tuple[str, str]:
        """Return namespace and name of a node's dataset."""
        return dataset_of(self.stack, id)


def documents(told: Told) -> list[dict[str, Any]]:
    """Return what an event is in OpenLineage: none for what lineage has no word for, as a hold."""
    kind, action = told.row["kind"], told.row["action"]
    if kind in WORKED_ON and action in STATES:
        return [_of_work(told)]
    made = _OTHERS.get((kind, action))
    return [made(told)] if made else []


def _of_work(told: Told) -> dict[str, Any]:
    row, after = told.row, told.after
    declared = Declared(row["project"], row["kind"], row["name"], after["properties"])
    state = STATES[row["action"]]
    ids, columns = reads_of(told.known, declared)
    inputs = [*_from_outside(declared), *(told.dataset(id) for id in ids if "/entity/" not in id)]
    outputs = []
    if row["action"] == "delete":
        inputs, outputs = [], [_output(told, told.id, facets.dropped())]
    elif state == RunState.COMPLETE:
        outputs = [_made(told, declared, columns)]
    # What is told within one declaration's work is one run; what comes to pass later, as a flip, is one of its own.
    work = row["action"] in ("declare", "ready", "failed")
    run = (told.id, after["digest"], str(after["generation"])) if work else ("event", str(row["seq"]))
    # Everybody who may read lineage reads it: what a run failed of may quote a value.
    message = WITHHELD if marked(declared.properties) else after.get("message")
    more = facets.error(message) if state == RunState.FAIL else {}
    text = told.known.text(row["project"], after["properties"]["sql"]) if after["properties"].get("sql") else None
    return _event(told, state, run, inputs, outputs, more, facets.sql(text))


def _event(
    told: Told,
    state: RunState,
    run: tuple[str, ...],
    inputs: Iterable[tuple[str, str]],
    outputs: list[OutputDataset],
    run_facets: Mapping[str, Any] | None = None,
    job_facets: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    row = told.row
    project = told.known.find(row["project"], "project", row["project"])
    change = facets.ChangeRunFacet(
        actor=row["actor"],
        action=row["action"],
        event=row["seq"],
        reason=row["reason"],
        correlationId=row["correlation_id"],
        digest=told.after.get("digest"),
        dataDigest=told.after.get("data_digest"),
    )
    about = {
        **facets.job_type(row["kind"], service=row["kind"] == SERVING),
        **facets.ownership(project.properties if project else None, job=True),
        **(job_facets or {}),
    }
    event = RunEvent(
        eventType=state,
        eventTime=row["at"].isoformat(),
        producer=PRODUCER,
        run=Run(runId=stable_uuid(told.stack_id, *run), facets={"groundplan_change": change, **(run_facets or {})}),
        job=Job(*_job(told), facets=about),
        inputs=[InputDataset(namespace=namespace, name=name) for namespace, name in inputs],
        outputs=outputs,
    )
    return Serde.to_dict(event)


def _job(told: Told) -> tuple[str, str]:
    row = told.row
    if row["kind"] == "up":
        return told.stack, "up"
    return namespace_of(told.stack, row["project"]), name_of(row["kind"], row["name"])


def _output(told: Told, id: str, more: Mapping[str, Any], output: Mapping[str, Any] | None = None) -> OutputDataset:
    project = told.known.find(told.row["project"], "project", told.row["project"])
    owned = facets.ownership(project.properties if project else None, job=False)
    namespace, name = told.dataset(id)
    return OutputDataset(namespace=namespace, name=name, facets={**owned, **more}, outputFacets=dict(output or {}))


def _made(told: Told, declared: Declared, columns: Columns | None) -> OutputDataset:
    """Return what the work made, with all that is known of it."""
    after = told.after
    outputs, properties = after["outputs"], declared.properties
    rows, written = facets.quality(outputs.get("rows"))
    datasets = {id: told.dataset(id) for id in told.known.by_id if "/entity/" not in id}
    if declared.kind == "data_source":
        columns, datasets = _as_it_came(declared, datasets)
    found = {
        **facets.schema(told.known.fields(declared.id)),
        **facets.version(after["data_digest"]),
        **facets.stored_at(told.stack, outputs.get("uri") or outputs.get("endpoint")),
        **facets.documentation(properties.get("description")),
        **facets.tagged(properties.get("tags") or {}, properties.get("personal"), declared.id),
        **facets.columns(columns, datasets),
        **rows,
    }
    if declared.kind == SERVING:
        found["groundplan_serving"] = facets.ServingDatasetFacet(
            endpoint=outputs.get("endpoint"), aliases=dict(outputs.get("aliases", {})), serves=outputs.get("serves")
        )
    if declared.kind == "model":
        found["groundplan_pairVersion"] = facets.PairVersionDatasetFacet(
            version=outputs.get("version"),
            digest=after["data_digest"],
            mlflowRunId=outputs.get("run_id"),
            metrics=outputs.get("metrics"),
        )
    return _output(told, declared.id, found, written)


def _from_outside(declared: Declared) -> list[tuple[str, str]]:
    """Return the file that a data source is read from: what lies before everything of ours."""
    given = declared.properties
    if declared.kind != "data_source" or given["kind"] == "python":
        return []
    if given["kind"] == "package":
        return [("package", f"{given['package']}/{given['file']}")]
    path = str(given["path"])
    if path.startswith("s3://"):
        bucket, _, key = path.removeprefix("s3://").partition("/")
        return [(f"s3://{bucket}", key)]
    return [("file", f"projects/{declared.project}/{path}")]


def _as_it_came(
    declared: Declared, datasets: Mapping[str, tuple[str, str]]
) -> tuple[Columns | None, dict[str, tuple[str, str]]]:
    """A raw table has the columns of its file, one by one."""
    outside = _from_outside(declared)
    if not outside:
        return None, dict(datasets)
    columns = Columns({name: frozenset({("file", name)}) for name in declared.properties["fields"]})
    return columns, {"file": outside[0]}


def _registered(told: Told) -> dict[str, Any]:
    """A pair version that was committed: both its halves are in the registry under one number."""
    row, made = told.row, told.after
    model = f"{row['project']}/model/{row['name']}"
    pair = facets.PairVersionDatasetFacet(
        version=made["version"],
        digest=made.get("digest"),
        mlflowRunId=made.get("run_id"),
        trainedBy=made.get("trained_by"),
        metrics=made.get("metrics"),
    )
    source = made.get("source")
    # A pair of another environment was made there: of its pair, not of a model that is only declared here.
    of = dataset_of(source["stack"], told.id) if source else told.dataset(model)
    seen = _prediction(told, of, row["name"])
    found = {**seen, **facets.version(str(made["version"])), "groundplan_pairVersion": pair}
    return _event(told, RunState.COMPLETE, _once(told), [of], [_output(told, told.id, found)])


def _moved(told: Told) -> dict[str, Any]:
    """An alias that points to another pair version now: a promotion, a rollback, or what its YAML follows."""
    row, version = told.row, told.after.get("version")
    if version is None:
        return _gone(told)
    model, _, alias = row["name"].partition("@")
    pair = f"{row['project']}/pair/{model}"
    evidence, of = told.after.get("evidence"), told.known.find(row["project"], "model", model)
    evidence = personal_evidence(evidence) if of is not None and marked(of.properties) else evidence
    judged = evidence if isinstance(evidence, dict) else {}
    points = facets.PairVersionDatasetFacet(
        version=version,
        alias=alias,
        previousVersion=(row["before"] or {}).get("version"),
        metrics=judged.get("metrics"),
        gates=judged.get("gates"),
    )
    seen = _prediction(told, told.dataset(pair), model)
    found = {**seen, **facets.version(str(version)), "groundplan_pairVersion": points}
    return _event(told, RunState.COMPLETE, _once(told), [told.dataset(pair)], [_output(told, told.id, found)])


def _prediction(told: Told, of: tuple[str, str], model: str) -> dict[str, Any]:
    """What a pair answers with: its column comes from that of the dataset ``of``, and so does the mark of its model."""
    columns = Columns({PREDICTION: frozenset({("source", PREDICTION)})})
    known = told.known.find(told.row["project"], "model", model)
    return {
        **facets.schema({PREDICTION: "float64"}),
        **facets.columns(columns, {"source": of}),
        **facets.tagged({}, known.properties.get("personal") if known else None, told.id),
    }


def _gone(told: Told) -> dict[str, Any]:
    return _event(told, RunState.COMPLETE, _once(told), [], [_output(told, told.id, facets.dropped())])


def _once(told: Told) -> tuple[str, ...]:
    return "event", str(told.row["seq"])


def _up(told: Told) -> dict[str, Any]:
    """One ``groundplan up``."""
    given = told.after
    up = facets.UpRunFacet(
        planDigest=given["plan_digest"], changes=given["changes"], commit=given["commit"], dirty=given["dirty"]
    )
    state = RunState.COMPLETE if given["succeeded"] else RunState.FAIL
    return _event(told, state, _once(told), [], [], {"groundplan_up": up})


_OTHERS: dict[tuple[str, str], Callable[[Told], dict[str, Any]]] = {
    ("pair", "commit"): _registered,
    ("pair", "purge"): _gone,
    ("alias", "move"): _moved,
    ("alias", "drop"): _gone,
    ("up", "up"): _up,
}
