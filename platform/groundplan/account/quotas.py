"""How many vCPUs the account may run, as Service Quotas says: for what the stack does not declare itself."""

from groundplan.account.ask import Account
from groundplan.capacity.shortages import QUOTA_CODES
from groundplan.spec.cost import QuotasSpec


def quotas_of(account: Account, declared: QuotasSpec) -> QuotasSpec:
    """Return the quotas that are declared, and for the others those of the account; None stays where it cannot say."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 (of the extra aws)

    client, found = account.client("service-quotas"), {}
    for family, code in QUOTA_CODES.items():
        if getattr(declared, family) is not None:
            continue
        try:
            answer = client.get_service_quota(ServiceCode="ec2", QuotaCode=code)
        except (BotoCoreError, ClientError):
            return declared  # who may not ask sees what is declared
        found[family] = int(answer["Quota"]["Value"])
    return declared.model_copy(update=found)
