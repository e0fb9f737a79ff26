"""A platform with something to look at: one model with a life behind it, one with hostile words, and many more."""

from typing import Any

from groundplan.plan import digest_of
from tests.runtime.controlplane.conftest import Plane, application
from tests.runtime.controlplane.test_api import model

#: What people may write where words are expected.
HOSTILE = '<img src=x onerror="window.hacked=1"><script>window.hacked=2</script>'
VIEWS = {
    "origin_weather": ["temp", "wind_speed", "precip", "visib", "pressure"],
    "route_delay": ["mean_delay_24h", "median_delay_24h", "mean_delay_7d", "last_delay", "waiting"],
}


class Seed:
    """Declares a project as `up` does."""

    def __init__(self, plane: Plane, project: str) -> None:
        self.plane, self.project = plane, project
        self.digests: dict[str, str] = {}

    def made(
        self, kind: str, name: str, properties: dict[str, Any], feeds: tuple[str, ...] = (), by: str = "ana"
    ) -> Any:
        """Declare one resource, and wait until it is done."""
        upstream = {f"{self.project}/{id}": self.digests[id] for id in feeds}
        digest = digest_of([kind, properties, upstream])
        body = {"digest": digest, "data_digest": digest, "properties": properties, "upstream": upstream}
        url = f"/v1/projects/{self.project}/resources/{kind}/{name}"
        answer = self.plane.http.put(url, json=body, headers={"X-Groundplan-Actor": by})
        assert answer.status_code in (200, 202), answer.text
        self.digests[f"{kind}/{name}"] = digest
        operation = answer.json().get("operation")
        return self.plane.ended(operation)["resource"] if operation else answer.json()["resource"]

    def base(self, team: str, owner: str) -> None:
        """The project, its data and its features."""
        code = {"features/v.sql": "0" * 64}
        self.plane.http.put(f"/v1/projects/{self.project}/code/{digest_of(code)}", content=b"PK zip")
        about = {"team": team, "owner": owner, "description": "", "source": "projects/x", "code": code}
        self.made("project", self.project, about)
        for entity in ("origin", "carrier"):
            self.made("entity", entity, {"join_key": entity, "type": "string", "description": ""})
        for source in ("flights", "weather"):
            self.made(
                "data_source", source, {"kind": "csv", "path": "x.csv", "fields": {"k": "string"}, "code": source}
            )
        for view, fields in VIEWS.items():
            source = "weather" if "weather" in view else "flights"
            given = {
                "entities": ["origin"],
                "inputs": [source],
                "sql": "features/v.sql",
                "code": view,
                "timestamp": "t",
            }
            given |= {
                "fields": dict.fromkeys(fields, "float64"),
                "online": True,
                "ttl": "3h",
                "tags": {"source": source},
            }
            given["description"] = f"What is known of the {view.replace('_', ' ')}, as last observed"
            self.made("feature_view", view, given, (f"data_source/{source}", "entity/origin"))
        self.made("feature_service", "hourly", {"views": VIEWS}, tuple(f"feature_view/{view}" for view in VIEWS))

    def model(self, name: str, depth: int, metrics: dict[str, float], by: str = "ana", **words: Any) -> int:
        """Train a version."""
        self.plane.platform.jobs.metrics = metrics
        given = {**model(depth), "feature_service": "hourly", **words}
        examples = {**dict(given["examples"]), "inputs": ["flights"], "target": "delay"}
        made = self.made(
            "model", name, {**given, "examples": examples}, ("feature_service/hourly", "data_source/flights"), by
        )
        return int(made["outputs"]["version"])

    def alias(self, model: str, name: str, *gates: dict[str, Any], by: str = "ana", **rule: Any) -> Any:
        """Declare an alias."""
        given = {
            "model": model,
            "alias": name,
            "gates": list(gates),
            "on_refusal": "hold",
            **(rule or {"follow": "latest"}),
        }
        return self.made("alias", f"{model}@{name}", given, (f"model/{model}",), by)


def flights(plane: Plane) -> None:
    """The flights model: version 1 in production, 2 refused by a gate, 3 in the shadow, and better."""
    seed = Seed(plane, "flights")
    seed.base("core", "flights@example.org")
    words = {"description": "Mean departure delay of the next hour, for an airport of New York and a carrier",
             "tags": {"domain": "punctuality", "unit": "minutes"}}  # fmt: skip
    gates = ({"metric": "mae", "better_than": "baseline"}, {"approval": {"by": ["ana", "ben"]}})
    seed.model("delay", 3, {"mae": 11.82, "rmse": 25.1, "r2": 0.31, "baseline_mae": 14.56}, **words)
    seed.alias("delay", "latest")
    seed.alias("delay", "production", *gates)
    approve(plane, 1)
    seed.made(
        "serving_application",
        "delay",
        {**application("delay", "delay"), "route": "/flights/delay", "shadow": ["latest"]},
    )
    seed.model("delay", 4, {"mae": 15.02, "rmse": 29.4, "r2": 0.12, "baseline_mae": 14.56}, **words)
    seed.alias("delay", "production", *gates, on_refusal="hold", follow="latest")
    seed.model("delay", 5, {"mae": 10.97, "rmse": 24.3, "r2": 0.37, "baseline_mae": 14.56}, **words)
    seed.alias("delay", "latest")


def approve(plane: Plane, version: int, by: str = "ben") -> None:
    """Approve a version of the flights model, and wait for what that sets off."""
    url = f"/v1/registry/models/flights/delay/versions/{version}:approve"
    answer = plane.http.post(url, json={"reason": "measured on December"}, headers={"X-Groundplan-Actor": by})
    assert answer.status_code == 202, answer.text
    for each in answer.json()["aliases"]:
        plane.ended(each["operation"])


def others(plane: Plane, count: int) -> None:
    """A hostile model, and enough others for a second page."""
    seed = Seed(plane, "shop")
    seed.base("sales", HOSTILE)
    seed.model("evil", 3, {"mae": 99.0}, description=HOSTILE, tags={HOSTILE: HOSTILE})
    for number in range(count):
        words = {"description": f"What customers of region {number} will spend next week", "tags": {"domain": "sales"}}
        seed.model(f"spend_{number:02}", 3, {"mae": 20.0 + number, "r2": 0.5}, **words)
