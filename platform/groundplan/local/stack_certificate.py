"""``groundplan:stack:Certificate``: the gateway's authority and certificate, kept by the stack's state, encrypted.

Every replica of the gateway shows the same certificate, and whoever deploys renews it: so neither is made in a pod.
"""

import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from groundplan.local.folder import private, write_private
from groundplan.provider.handler import Context, Failure

#: Output → file of :func:`groundplan.gateway.authority.ensure`.
FILES = {"ca": "ca.pem", "ca_key": "ca-key.pem", "chain": "gateway.pem", "key": "gateway-key.pem"}


class StackCertificateHandler:
    """Inputs: stack, stack_id, path (of the authority's certificate here), hosts, only_hosts. Outputs: FILES, intact.

    ``only_hosts``: not for this machine's names and addresses, too. A proxy on BoringSSL, as Envoy is, takes nothing
    from an authority that is held to addresses: "unsupported name constraint type".
    """

    token = "groundplan:stack:Certificate"  # noqa: S105  (a type's name)
    secret_outputs = frozenset({"ca_key", "key"})
    outputs = frozenset({*FILES, "intact"})

    def check(self, inputs: dict[str, Any], ctx: Context) -> tuple[dict[str, Any], list[Failure]]:
        """Nothing to check: the plan made it."""
        return inputs, []

    def unsettled(self, state: dict[str, Any]) -> frozenset[str]:
        """One that ends soon is renewed; an authority's file that is missing here is written."""
        return frozenset() if state.get("intact", True) else frozenset({"intact"})

    def create(self, inputs: dict[str, Any], ctx: Context) -> tuple[str, dict[str, Any]]:
        """Make authority and certificate."""
        return f"{inputs['stack_id']}/certificate", _made(inputs, {})

    def read(self, id: str, state: dict[str, Any], ctx: Context) -> dict[str, Any] | None:
        """Tell whether it holds for a while yet, and whether its authority's file is here."""
        return {**state, "intact": _here(state) and not _ends_soon(state)}

    def update(self, id: str, state: dict[str, Any], inputs: dict[str, Any], ctx: Context) -> dict[str, Any]:
        """Renew what has to be. For other hosts all of it: an authority speaks for the hosts that it was made for."""
        same = all(inputs.get(key) == state.get(key) for key in ("hosts", "only_hosts"))
        kept = state if same else {}
        return _made(inputs, kept)

    def delete(self, id: str, state: dict[str, Any], ctx: Context) -> None:
        """Remove the authority's file."""
        Path(state["path"]).unlink(missing_ok=True)


def _made(inputs: dict[str, Any], kept: dict[str, Any]) -> dict[str, Any]:
    from groundplan.gateway.authority import MACHINE, ensure  # noqa: PLC0415 - cryptography: only in a cluster

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for name, file in FILES.items():
            if kept.get(name):
                write_private(folder / file, str(kept[name]))
        machine = () if inputs.get("only_hosts") else MACHINE
        ensure(folder, inputs["stack"], write_private, hosts=inputs["hosts"], machine=machine)
        state = {**inputs, **{name: (folder / file).read_text() for name, file in FILES.items()}, "intact": True}
    if not _here(state):
        path = Path(inputs["path"])
        private(path.parent)
        write_private(path, state["ca"])
    return state


def _here(state: dict[str, Any]) -> bool:
    path = Path(state["path"])
    return path.exists() and path.read_text() == state["ca"]


def _ends_soon(state: dict[str, Any]) -> bool:
    from groundplan.gateway.authority import EARLY, ends  # noqa: PLC0415 - as above

    with tempfile.NamedTemporaryFile("w") as file:
        file.write(str(state["chain"]))
        file.flush()
        return ends(Path(file.name)) < datetime.now(UTC) + EARLY
