"""The alias resource: an ML resource whose preview says what `up` would promote."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from groundplan.errors import GroundplanError
from groundplan.provider.handler import Context, Unreachable
from groundplan.provider.ml import MLHandler
from groundplan.provider.rest import ControlPlane
from groundplan.provider.table import COMMON

#: What a verdict is called in a preview; ``None`` is one that only `up` can reach.
WORDS = {True: "passes", False: "refuses", None: "open"}


class AliasHandler(MLHandler):
    """Asks the control plane, which decides the same way when it is for real."""

    def foresee(self, inputs: dict[str, Any], ctx: Context) -> None:
        """Tell from which version to which, and each gate's verdict; in words what only a training will show."""
        path = f"/v1/projects/{quote(inputs['project'], safe='')}/aliases/{quote(inputs['name'], safe='@')}:decide"
        properties = {key: value for key, value in inputs.items() if key not in COMMON}
        body = {"properties": properties, "upstream": inputs["upstream"]}
        try:
            found = ControlPlane(ctx.config).consult("POST", path, body)
        except (Unreachable, GroundplanError):
            found = None  # not up yet, or an older one: the declaration still says what will be asked
        if found is None:
            ctx.tell(_declared(inputs))
        elif found["hold"]:
            hold, lifts = found["hold"], f"groundplan release {inputs['project']}/{inputs['name']} lifts it"
            ctx.warn(f"held at {found['from']} by {hold['actor']}: {hold['reason']}; {lifts}")
        elif found["training"]:
            ctx.tell(_declared(inputs))
        elif found["to"] != found["from"]:
            _tell_move(found, ctx)


def _declared(inputs: Mapping[str, Any]) -> str:
    # The whole specification: a third of the plugin's start, for words that few previews say.
    from groundplan.spec import gate_words  # noqa: PLC0415

    if inputs.get("version") is not None:
        return f"would point to pair version {inputs['version']}"
    conditions = "; ".join(gate_words(gate) for gate in inputs.get("gates") or ())
    source = inputs.get("source")
    pair = f"the pair that comes from {source['stack']}" if source else "the pair that this `up` trains"
    return f"{pair} would be promoted{f' if: {conditions}' if conditions else ''}"


def _tell_move(found: Mapping[str, Any], ctx: Context) -> None:
    start = found["from"] if found["from"] is not None else "nothing"
    refused = any(gate["passed"] is False for gate in found["gates"])
    said = "would stay: a gate refuses" if refused else "would be promoted"
    (ctx.warn if refused else ctx.tell)(f"pair version {start} → {found['to']}: {said}")
    for gate in found["gates"]:
        ctx.tell(f"gate {gate['gate']}: {WORDS[gate['passed']]}: {gate['reason']}")
