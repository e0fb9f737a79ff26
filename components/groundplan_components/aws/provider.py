"""The provider of AWS: one account, one region; a preview without an account where nothing is deployed yet."""

import pulumi
import pulumi_aws as aws

from groundplan.account import signed_in
from groundplan_components.aws.site import Site

ALONE = {
    "access_key": "preview",
    "secret_key": "preview",
    "skip_credentials_validation": True,
    "skip_requesting_account_id": True,
    "skip_metadata_api_check": True,
}


def main_provider(site: Site) -> aws.Provider:
    """Declare the stack's provider. It refuses to act in any account but the declared one."""
    return _provider("aws", site, site.aws.region, None)


def regional(site: Site, region: str, opts: pulumi.ResourceOptions) -> aws.Provider:
    """Declare the provider of another region, for copies."""
    return _provider(f"aws-{region}", site, region, opts)


def _provider(name: str, site: Site, region: str, opts: pulumi.ResourceOptions | None) -> aws.Provider:
    if alone():
        pulumi.log.warn(f"no credentials of AWS in the environment: {name} shows what the stack declares, nothing else")
        return aws.Provider(name, region=region, **ALONE, opts=opts)
    return aws.Provider(name, region=region, allowed_account_ids=[site.aws.account], opts=opts)


def alone() -> bool:
    """Return whether this is a preview on a machine without credentials."""
    return pulumi.runtime.is_dry_run() and not signed_in()
