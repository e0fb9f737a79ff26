"""One endpoint that says what there is, where it is, and whether it is well."""

from typing import Any

from fastapi import APIRouter, Depends

from groundplan.controlplane import discovery, store
from groundplan.controlplane.adapters import templates
from groundplan.controlplane.api.common import IdentityDep, PlatformDep, authorized

router = APIRouter(dependencies=[Depends(authorized)])


@router.get("/services")
def services(platform: PlatformDep, identity: IdentityDep) -> dict[str, Any]:
    """Return the platform's services, and the applications of the projects that the caller may look at.

    ``path`` is where the gateway leads to; what has none is reached by the platform's own parts only.
    """
    with platform.engine.connect() as connection:
        declared = [r for r in store.every(connection) if r.kind == "serving_application"]
    seen = {f"{r.project}/{r.name}": r for r in declared if identity.may("viewer", r.project)}
    health = discovery.applications(platform.runtime, list(seen))
    return {
        "stack": platform.runtime.stack,
        "gateway": platform.runtime.endpoints.get("gateway"),
        "services": discovery.services(platform.runtime, unborn(declared)),
        "applications": [
            {"name": name, "status": resource.status, "path": f"/serve/{name}", **health[name]}
            for name, resource in seen.items()
        ],
    }


def unborn(applications: list[store.Resource]) -> frozenset[str]:
    """In a cluster, what answers requests is made with the first application; on one machine it runs from the start."""
    none = all(each.status == "waiting" for each in applications)
    return discovery.WITH_APPLICATIONS if none and templates.in_cluster() else frozenset()
