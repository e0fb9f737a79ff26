"""What MiniStack's ElastiCache forgets: a group's key, a node's upgrades, a user's passwords, whose a parameter is."""

import copy
from collections.abc import Callable
from typing import Any

from ministack.services import elasticache as cache  # type: ignore[import-not-found]

made, written, noted = cache._create_replication_group, cache._rg_xml, cache._cluster_xml_inner
parameters = cache._describe_cache_parameters


def create(told: dict[str, Any]) -> Any:
    """Make a group, and keep its key."""
    answer = made(told)
    if found := cache._replication_groups.get(cache._p(told, "ReplicationGroupId")):
        found["_key"] = cache._p(told, "KmsKeyId")
    return answer


def with_passwords(act: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], Any]:
    """Make or change a user, and keep how many passwords it has: they are told below ``AuthenticationMode``."""

    def acted(told: dict[str, Any]) -> Any:
        act(told)
        user = cache._users[cache._p(told, "UserId")]
        if kind := cache._p(told, "AuthenticationMode.Type"):
            count = sum(key.startswith("AuthenticationMode.Passwords.member.") for key in told)
            user["Authentication"] = {"Type": kind, "PasswordCount": count}
        verb = cache._p(told, "Action")
        return cache._xml(200, f"{verb}Response", f"<{verb}Result>{cache._user_xml(user)}</{verb}Result>")

    return acted


def xml(found: dict[str, Any]) -> str:
    """Write a group with its key."""
    key = found.get("_key")
    return str(written(found)) + (f"<KmsKeyId>{key}</KmsKeyId>" if key else "")


def node(found: dict[str, Any]) -> str:
    """Write a node, and whether it takes minor versions by itself."""
    upgraded = str(found.get("AutoMinorVersionUpgrade", True)).lower()
    return f"{noted(found)}<AutoMinorVersionUpgrade>{upgraded}</AutoMinorVersionUpgrade>"


def describe(told: dict[str, Any]) -> Any:
    """Tell only of the parameters that somebody set, when asked for those."""
    name, source = cache._p(told, "CacheParameterGroupName"), cache._p(told, "Source")
    kept = copy.deepcopy(cache._param_group_params.get(name, {}))
    if not source:
        return parameters(told)
    asked = {key: value for key, value in kept.items() if value.get("Source", "system") == source}
    cache._param_group_params[name] = asked
    try:
        return parameters(told)
    finally:
        cache._param_group_params[name] = kept


def mend() -> None:
    """Put this in the place of what MiniStack does."""
    cache._create_replication_group, cache._rg_xml, cache._cluster_xml_inner = create, xml, node
    cache._describe_cache_parameters = describe
    cache._create_user, cache._modify_user = with_passwords(cache._create_user), with_passwords(cache._modify_user)
