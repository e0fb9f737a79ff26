"""What a stack may cost, what its prices are taken for, and which quotas its account has."""

from typing import Annotated

from pydantic import Field

from groundplan.spec._base import Model

EMAIL_PATTERN = r"^[^@\s]+@[^@\s]+\.[^@\s]+$"
ITEM_PATTERN = r"^[a-z0-9]+(\.[a-z0-9_\-]+)+$"
#: What each pattern means, in words: shown as "allowed" in an error.
MEANING = {
    EMAIL_PATTERN: "an address, as in ml-platform@example.org",
    ITEM_PATTERN: "an item of the price table, as in node.g5.xlarge or nat.gb",
}

Email = Annotated[str, Field(pattern=EMAIL_PATTERN, max_length=254)]
Usd = Annotated[float, Field(gt=0, le=1e9)]
Item = Annotated[str, Field(pattern=ITEM_PATTERN, max_length=60)]
Percent = Annotated[int, Field(ge=1, le=1000)]
Amount = Annotated[float, Field(ge=0, le=1e9)]


class UsageSpec(Model):
    """What nobody can read from a declaration, taken for the estimate: a month's amounts."""

    #: How often a model is trained again, at most; each run at most its declared timeout.
    trainings: Annotated[int, Field(ge=0, le=10_000)] = 4
    objects_gb: Amount = 100
    #: Through the NAT gateways, both ways.
    nat_gb: Amount = 100
    logs_gb: Amount = 20
    images_gb: Amount = 20
    #: Capacity units of the load balancer, on average.
    alb_units: Amount = 1


class CostSpec(Model):
    """What a stack may cost a month, in USD: an estimate above the ceiling fails the preview.

    ``alarm_emails`` are told by a budget of the cloud when the month's real cost (or its forecast) passes
    ``alarm_at_percent`` of the ceiling. ``prices`` are your own, by item, in the place of list prices.
    """

    ceiling_usd_per_month: Usd | None = None
    alarm_emails: Annotated[tuple[Email, ...], Field(max_length=10)] = ()
    alarm_at_percent: Annotated[tuple[Percent, ...], Field(max_length=4)] = (80, 100)
    usage: UsageSpec = UsageSpec()
    prices: dict[Item, Usd] = {}


class QuotasSpec(Model):
    """Running vCPUs that the account may have in the region, by family (Service Quotas). None: not known."""

    standard: Annotated[int, Field(ge=0)] | None = None
    standard_spot: Annotated[int, Field(ge=0)] | None = None
    g: Annotated[int, Field(ge=0)] | None = None
    g_spot: Annotated[int, Field(ge=0)] | None = None
    p: Annotated[int, Field(ge=0)] | None = None
    p_spot: Annotated[int, Field(ge=0)] | None = None


class CapacitySpec(Model):
    """What the preview holds replicas and trainings against, beside the declared node groups."""

    quotas: QuotasSpec = QuotasSpec()
