"""The ``aws`` target: EKS, RDS, S3 and ElastiCache, and on them the same platform as in any cluster."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pulumi
import pulumi_aws as aws

from groundplan.account import TUNNEL, open_account, refuse
from groundplan.plan import Plan
from groundplan.spec import StackSpec
from groundplan_components.aws import rightsizing
from groundplan_components.aws.cache import PORT as CACHE_PORT
from groundplan_components.aws.controllers import STORAGE_CLASS, Controllers, Sizing
from groundplan_components.aws.database import PORT as DATABASE_PORT
from groundplan_components.aws.database import Database
from groundplan_components.aws.entry import EksCluster, entered
from groundplan_components.aws.infrastructure import Infrastructure, declare
from groundplan_components.aws.objects import bucket_names
from groundplan_components.aws.provider import main_provider
from groundplan_components.aws.site import Site
from groundplan_components.kubernetes.data import DataServices
from groundplan_components.kubernetes.images import images
from groundplan_components.kubernetes.secrets import DATA, OWN, Secrets
from groundplan_components.kubernetes.target import (
    TOKEN,
    deploy_platform,
    homes,
    make_site,
    own_folder,
    own_provider,
    require_in_cluster,
    subject_secrets,
    token_file,
)
from groundplan_components.platform import Platform
from groundplan_components.resources import StackCertificate

#: What pods have roles for, and so no keys.
ROLES_INSTEAD = frozenset({"objects-access-key", "objects-secret-key", "objects-sts"})
ONLINE, ADMIN = ("online-store", "online-store-reader"), "database-admin"


def deploy_aws(stack: StackSpec, plan: Plan, stack_id: str, root: Path) -> Platform:
    """Declare the infrastructure, then the platform in its cluster, on its data services.

    Raises GroundplanError for what no cluster can run, when the checkout lacks what images are made from, and (one
    line each) for what this account would refuse.
    """
    assert stack.aws is not None  # noqa: S101 (the spec's rules: target aws has it)
    require_in_cluster(plan)
    site = site_of(stack)
    if account := open_account(stack.aws):
        refuse(stack, account, bucket_names(site))
    stack = in_aws(stack, site)
    found = images(stack.cluster.images, root)
    inside = replace(make_site(stack, plan, stack_id, found), without=ROLES_INSTEAD)
    own = own_provider(stack, stack_id, root, inside)
    secrets = _secrets(stack, stack_id, root, pulumi.ResourceOptions(provider=own))
    provider = main_provider(site)
    made = declare(site, stack.cost, plan, provider, secrets)
    tunnel = made.runner.tunnel if made.runner else None
    cluster = entered(site, made.cluster, own_folder(stack, root) / "kubeconfig", tunnel)
    sizing = _sizing(stack, stack_id, root, pulumi.ResourceOptions(provider=own))
    controllers = _controllers(site, made, cluster, provider, sizing)
    cluster = replace(cluster, ready=[*cluster.ready, *controllers.ready])
    data = _data(site, made, secrets, provider)
    _tell(made)
    return deploy_platform(stack, plan, inside, cluster, data, own, root)


def site_of(stack: StackSpec) -> Site:
    """Return what every part on AWS knows of a stack. ``stack.aws`` is there."""
    assert stack.aws is not None  # noqa: S101 (see above)
    prefix = stack.cluster.namespace_prefix
    spaces = {project: home["namespace"] for project, home in homes(stack).items()}
    return Site(stack.name, stack.protection.keep_data, stack.aws, f"{prefix}{stack.cluster.namespace}", prefix, spaces)


def in_aws(stack: StackSpec, site: Site) -> StackSpec:
    """Return the stack with what AWS knows better than a declaration: its registry, its volumes' class."""
    registry = f"{site.aws.account}.dkr.ecr.{site.aws.region}.amazonaws.com/{site.name()}"
    spec = stack.cluster
    pulled = spec.images.model_copy(update={"registry": registry})
    volumes = spec.storage_class or STORAGE_CLASS
    return stack.model_copy(update={"cluster": spec.model_copy(update={"images": pulled, "storage_class": volumes})})


def _sizing(stack: StackSpec, stack_id: str, root: Path, opts: pulumi.ResourceOptions) -> Sizing:
    """Return what is asked of the VerticalPodAutoscaler, with a certificate where it has to be called."""
    modes, ca = rightsizing.asked(stack.cluster), str(own_folder(stack, root) / "vpa-ca.pem")
    if "apply" not in modes:
        return Sizing(modes, None)
    hosts = [rightsizing.HOST]
    made = StackCertificate("vpa-certificate", stack=stack.name, stack_id=stack_id, path=ca, hosts=hosts, opts=opts)
    return Sizing(modes, made)


def _controllers(
    site: Site, made: Infrastructure, cluster: EksCluster, provider: aws.Provider, sizing: Sizing
) -> Controllers:
    providers: list[pulumi.ProviderResource] = [provider, cluster.provider]
    opts = pulumi.ResourceOptions(providers=providers, depends_on=[made.cluster])
    return Controllers("controllers", site, made.cluster, made.keys, sizing, opts)


def _secrets(
    stack: StackSpec, stack_id: str, root: Path, opts: pulumi.ResourceOptions
) -> Mapping[str, pulumi.Output[str]]:
    """Return the generated secrets, without those that a role replaces."""
    names = [name for name in (*OWN, *DATA, *subject_secrets(stack)) if name not in ROLES_INSTEAD]
    values = dict(Secrets("secrets", stack_id, {TOKEN: token_file(stack, root)}, names, opts).values)
    # ElastiCache takes hyphens in a password, and no underscores.
    return values | {name: values[name].apply(lambda text: text.replace("_", "-")) for name in ONLINE}


def _data(
    site: Site, made: Infrastructure, secrets: Mapping[str, pulumi.Output[str]], provider: aws.Provider
) -> DataServices:
    admin = secrets[ADMIN] if made.database.secret is None else _kept_by_rds(made.database, provider)
    return DataServices(
        database=pulumi.Output.concat(made.database.address, f":{DATABASE_PORT}"),
        online_store=pulumi.Output.concat(made.cache.address, f":{CACHE_PORT}"),
        objects=None,
        secrets={**secrets, ADMIN: admin},
        # Pods get their roles by associations, which must be there before they are.
        ready=[made.database, made.cache, made.buckets, made.identities, made.cluster],
        resource=made.database.instance,
        bucket=made.buckets.data.bucket,
        region=site.aws.region,
        tls=True,
        roles=made.identities.arns,
    )


def _kept_by_rds(database: Database, provider: aws.Provider) -> pulumi.Output[str]:
    """Return the administrator's password as it is now: RDS turns it over by itself."""
    assert database.secret is not None  # noqa: S101 (the caller has asked)
    asked = aws.secretsmanager.get_secret_version_output(
        secret_id=database.secret, opts=pulumi.InvokeOutputOptions(provider=provider)
    )
    found: pulumi.Output[str] = asked.secret_string.apply(lambda text: str(json.loads(text)["password"]))
    return pulumi.Output.secret(found)


def _tell(made: Infrastructure) -> None:
    """Export how a private control plane is reached, and what service accounts are annotated with."""
    if made.runner is not None:
        pulumi.export(TUNNEL, made.runner.tunnel)
    if made.irsa is not None:
        pulumi.export("irsa", made.irsa.roles)
