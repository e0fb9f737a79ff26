"""The ``local`` target: every part as a supervised process on this machine."""

import os
from pathlib import Path

import pulumi

from groundplan.errors import GroundplanError, ToolError
from groundplan.identity.declaration import subjects
from groundplan.local import code
from groundplan.plan import Plan
from groundplan.spec import StackSpec
from groundplan.spec.stack import SINGLE_OFFSETS
from groundplan_components.local.control_plane import ControlPlane
from groundplan_components.local.database import Database
from groundplan_components.local.feature_server import FeatureServer
from groundplan_components.local.gateway import Gateway, authority
from groundplan_components.local.identity import Identity
from groundplan_components.local.object_store import ObjectStore
from groundplan_components.local.online_store import OnlineStore
from groundplan_components.local.ray import Ray, RaySize
from groundplan_components.local.single import SingleApplication
from groundplan_components.local.site import Site
from groundplan_components.local.storage import Storage
from groundplan_components.local.tracking import Tracking
from groundplan_components.platform import Platform
from groundplan_components.resources import Groundplan

#: What services run: copied into the data folder by digest.
SOURCES = ("platform/groundplan", "serving/groundplan_runtime", "serving/groundplan_serving")
PYTHON = "GROUNDPLAN_RUNTIME_PYTHON"


def deploy_local(stack: StackSpec, plan: Plan, stack_id: str, root: Path) -> Platform:
    """Declare folder and secrets, then the services, each after what it needs."""
    site = _site(stack, plan, stack_id, root)
    provider = Groundplan(
        "groundplan",
        stack_id=stack_id,
        endpoint=site.endpoints["controlplane"],
        token_file=f"{site.folder}/secrets/controlplane-token",
    )
    storage = Storage("storage", site, pulumi.ResourceOptions(provider=provider))

    def after(*parts: pulumi.Resource) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(provider=provider, depends_on=[storage, *parts])

    database = Database("database", site, after())
    objects = ObjectStore("objects", site, after())
    identity = _identity(stack, site, after(database))
    online = OnlineStore("online-store", site, after())
    FeatureServer("feature-server", site, after(database, online))
    tracking = [] if site.registry else [Tracking("tracking", site, after(database, objects))]
    ray = Ray("ray", site, _ray_size(stack), after())
    plane = ControlPlane("controlplane", site, after(database, objects, online, *tracking, ray))
    credentials = {name: secret.value for name, secret in storage.secrets.items() if name not in site.subjects}
    identities = {name: storage.secrets[name].value for name in site.subjects}
    singles = {each: SingleApplication(each, site, after(online, *tracking)) for each in site.singles}
    issuer = _issuer(stack, site)
    gateway = Gateway("gateway", site, stack.projects, plan.personal, issuer, after(plane, *identity))
    return Platform(
        provider, site.endpoints, credentials, [plane, *identity, gateway], database.service, site.applications,
        singles, issuer=issuer, identities=identities, gateway_ca=authority(site),
    )  # fmt: skip


def _site(stack: StackSpec, plan: Plan, stack_id: str, root: Path) -> Site:
    sources = [root / source for source in SOURCES]
    return Site(
        stack=stack.name,
        stack_id=stack_id,
        root=str(root),
        folder=str((root / stack.local.data_dir).resolve()),
        python=_python(stack),
        ports={name: stack.local_port(name) for name in stack.local.all_ports()},
        code=code.digest(sources),
        sources=tuple(map(str, sources)),
        singles=_singles(stack, plan),
        lineage=None if stack.services.lineage == "local" else stack.services.lineage.rstrip("/"),
        subjects=tuple(one.secret for one in subjects(stack)),
        keep=stack.protection.keep_data,
        registry=_registry(stack, root),
    )


def _registry(stack: StackSpec, root: Path) -> dict[str, str] | None:
    """Whose registry is read, and where its owner keeps the token for that: no secret, so it may be in a state."""
    if stack.owner is None:
        return None
    folder = (root / stack.owner.local.data_dir).resolve()
    return {"stack": stack.owner.name, "token_file": f"{folder}/secrets/mlflow-reader-token"}


def _singles(stack: StackSpec, plan: Plan) -> dict[str, int]:
    """Return application → port of those that are one process, in the order of their names."""
    nodes = [node for node in plan.nodes if node.kind == "ServingApplication"]
    names = sorted(f"{n.project}/{n.name}" for n in nodes if n.properties["topology"] == "single")
    first, last = (stack.local.port_base + offset for offset in SINGLE_OFFSETS)
    if len(names) > last - first + 1:
        what = f"{len(names)} applications of topology single: there are ports for {last - first + 1}"
        raise GroundplanError(f"{what}; fix: topology: fused for the others")
    return {name: first + number for number, name in enumerate(names)}


def _identity(stack: StackSpec, site: Site, opts: pulumi.ResourceOptions) -> list[pulumi.Resource]:
    """The stack's own issuer; none where another one is named."""
    return [Identity("identity", site, subjects(stack), opts)] if stack.services.identity == "local" else []


def _issuer(stack: StackSpec, site: Site) -> str:
    named = stack.services.identity
    return f"{site.endpoints['gateway']}/identity" if named == "local" else named


def _python(stack: StackSpec) -> str:
    """The runtime environment's Python, which the tool chain made and named."""
    python = os.environ.get(PYTHON)
    if not python:
        fix = f'groundplan up {stack.name}, or eval "$(groundplan env {stack.name})" before plain pulumi'
        raise ToolError(f"{PYTHON} is not set: it names the Python that the platform's services run in; fix: {fix}")
    return python


def _ray_size(stack: StackSpec) -> RaySize:
    ray = stack.local.ray
    return RaySize(ray.cpus, ray.memory_mb, ray.object_store_mb, stack.local.port_base)
