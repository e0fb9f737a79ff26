"""The small types of AWS: ranges, ids, names; and what each pattern means, in words."""

from ipaddress import IPv4Network
from typing import Annotated

from pydantic import AfterValidator, Field

CIDR_PATTERN = r"^[0-9]{1,3}(\.[0-9]{1,3}){3}/[0-9]{1,2}$"
REGION_PATTERN = r"^[a-z]{2}(-[a-z]+)+-[0-9]$"
ZONE_PATTERN = r"^[a-z]{3,6}[0-9]-az[0-9]$"
INSTANCE_PATTERN = r"^[a-z][a-z0-9-]*\.[a-z0-9-]+$"
ROLE_PATTERN = r"^arn:aws:iam::[0-9]{12}:role/[\w+=,.@/-]+$"
POLICY_PATTERN = r"^arn:aws:iam::(aws|[0-9]{12}):policy/[\w+=,.@/-]+$"
ACCOUNT_PATTERN = r"^[0-9]{12}$"
LABEL_PATTERN = r"^([a-z0-9.-]+/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$"

#: What each pattern means, in words: shown as "allowed" in an error.
MEANING = {
    CIDR_PATTERN: "an IPv4 range, as in 10.40.0.0/16",
    REGION_PATTERN: "a region, as in eu-central-1",
    ZONE_PATTERN: "a zone id, the same in every account, as in euc1-az1 (not eu-central-1a)",
    INSTANCE_PATTERN: "an instance type, as in m7i.xlarge",
    ROLE_PATTERN: "the ARN of a role, as in arn:aws:iam::123456789012:role/platform-admins",
    POLICY_PATTERN: "the ARN of a policy, as in arn:aws:iam::123456789012:policy/dns-records",
    ACCOUNT_PATTERN: "twelve digits in quotes, as in '123456789012'",
    LABEL_PATTERN: "a Kubernetes label, as in example.org/pool",
}


def _network(text: str) -> str:
    """Refuse a range whose address is not its first one, or no address: AWS would, in the middle of an ``up``."""
    try:
        IPv4Network(text)
    except ValueError as error:
        raise ValueError(f"is no IPv4 range: {error}") from None
    return text


Cidr = Annotated[str, Field(pattern=CIDR_PATTERN), AfterValidator(_network)]
Region = Annotated[str, Field(pattern=REGION_PATTERN)]
Zone = Annotated[str, Field(pattern=ZONE_PATTERN)]
Account = Annotated[str, Field(pattern=ACCOUNT_PATTERN)]
Instance = Annotated[str, Field(pattern=INSTANCE_PATTERN, max_length=32)]
ArnOfRole = Annotated[str, Field(pattern=ROLE_PATTERN)]
ArnOfPolicy = Annotated[str, Field(pattern=POLICY_PATTERN)]
Label = Annotated[str, Field(pattern=LABEL_PATTERN)]
SubnetId = Annotated[str, Field(pattern=r"^subnet-[0-9a-f]{8,17}$")]
SecurityGroupId = Annotated[str, Field(pattern=r"^sg-[0-9a-f]{8,17}$")]
Domain = Annotated[str, Field(pattern=r"^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}$", max_length=200)]
