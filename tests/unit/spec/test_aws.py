"""An AWS declaration's mistakes: one clear line each, before anything is changed."""

import json
from pathlib import Path

import pytest

from groundplan.compose import load_stack
from groundplan.errors import SpecError
from groundplan.spec import StackSpec, is_gpu, zones_of
from groundplan.spec.offers import WITHOUT_EKS, offers

ROOT = Path(__file__).resolve().parents[3]
PROD = (ROOT / "stacks" / "prod.yaml").read_text()


def load(folder: Path, text: str) -> StackSpec:
    (folder / "stacks").mkdir()
    (folder / "projects" / "flights").mkdir(parents=True)
    (folder / "projects" / "flights" / "project.yaml").write_text("name: flights\n")
    (folder / "stacks" / "prod.yaml").write_text(text)
    return load_stack(folder, "prod")


MISTAKES = [
    ("region: eu-central-1", "region: eu-centrall-1", ("aws.region: is no region", "did you mean eu-central-1?")),
    ("region: eu-central-1", "region: Frankfurt", ("aws.region", "as in eu-central-1")),
    ('account: "123456789012"', "account: 123456789012", ("aws.account: must be text", "123456789012")),
    ("[euc1-az1, euc1-az2, euc1-az3]", "[euc1-az1]", ("aws.network.zones", "at least two zones")),
    ("[euc1-az1, euc1-az2, euc1-az3]", "[euc1-az1, use1-az1]", ("is no zone of eu-central-1", "got use1-az1")),
    ("[euc1-az1, euc1-az2, euc1-az3]", "[eu-central-1a]", ("aws.network.zones[0]", "as in euc1-az1")),
    ("cidr: 10.40.0.0/16", "cidr: 10.40.0.0/24", ("aws.network.cidr", "got 10.40.0.0/24", "a /16 to a /20")),
    ("cidr: 10.40.0.0/16", "cidr: 10.40.0.1/16", ("aws.network.cidr", "has host bits set")),
    ("cidr: 10.40.0.0/16", "cidr: 52.1.0.0/16", ("range of the public internet", "10/8")),
    ("others: [10.0.0.0/12]", "others: [10.32.0.0/12]", ("aws.network.others[0]: overlaps this VPC's 10.40.0.0/16",)),
    ("    endpoint: private", "    services_cidr: 10.40.0.0/16", ("services_cidr: overlaps this VPC's",)),
    ("    endpoint: private", "    endpoint: public", ("restricted to declared ranges", "add deployers:")),
    ("    endpoint: private", "    deployers: [0.0.0.0/0]", ("deployers[0]: opens the door to the internet",)),
    ("    runner: {instance: t4g.medium, port: 16443}\n", "", ("nothing declared can reach a private endpoint",)),
    ("198.51.100.0/24", "0.0.0.0/0", ("aws.door.allow_from[1]: opens the door to the internet",)),
    ("[m7i.xlarge]", "[m7i.xlage]", ("node_groups.general.instances[0]", "did you mean m7i.xlarge?")),
    ("[m7i.xlarge]", "[m7i.xlarge, m7g.xlarge]", ("mixes architectures",)),
    ("[g5.xlarge, g6.xlarge]", "[g5.xlarge, m7i.xlarge]", ("mixes types with GPUs and without", "got m7i.xlarge")),
    ("[g5.xlarge, g6.xlarge]", "[h100]", ("node_groups.gpu.instances[0]", "as in m7i.xlarge")),
    ("[g5.xlarge, g6.xlarge]", "[p5.48xlarge]", ("is not offered in", "p5.48xlarge")),
    ("min: 3, max: 9", "min: 3, max: 2", ("node_groups.general.max: is less than min", "at least 3")),
    ("min: 3, max: 9", "min: 0, max: 9", ("the platform's own pods would have no place",)),
    ("instance: db.m7g.large", "instance: m7g.large", ("aws.database.instance",)),
    ("replica: true", "max_storage_gb: 50", ("max_storage_gb: is less than storage_gb", "at least 100")),
    ("replicate_to: eu-west-1", "replicate_to: eu-central-1", ("is the stack's own region",)),
    ("policy/dns-records", "role/dns-records", ("irsa.dns.policies[0]", "policy/dns-records")),
    ("123456789012:policy/dns-records", "aws:policy/AdministratorAccess", ("irsa.dns.policies[0]: allows everything",)),
    ("target: aws", "target: local", ("aws: does not belong to target local",)),
]


@pytest.mark.parametrize(("old", "new", "says"), MISTAKES, ids=[new.strip() or "none" for _, new, _ in MISTAKES])
def test_a_mistake_is_one_line(tmp_path: Path, old: str, new: str, says: tuple[str, ...]) -> None:
    assert PROD.count(old) == 1
    with pytest.raises(SpecError) as caught:
        load(tmp_path, PROD.replace(old, new))
    lines = str(caught.value).splitlines()
    assert any(all(part in line for part in ("stacks/prod.yaml:", *says)) for line in lines), lines


def test_the_example_is_valid(tmp_path: Path) -> None:
    stack = load(tmp_path, PROD)
    assert stack.aws is not None
    assert zones_of(stack.aws) == ("euc1-az1", "euc1-az2", "euc1-az3")
    assert [name for name, group in stack.aws.eks.node_groups.items() if is_gpu(group)] == ["gpu"]


def test_a_stack_for_aws_says_where(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"aws: is required by target aws; fix: add aws: \{region"):
        load(tmp_path, "name: prod\ntarget: aws\n")


def test_region_and_account_are_enough_with_a_way_in() -> None:
    eks = {"endpoint": "public", "deployers": ["198.51.100.7/32"]}
    declared = {"name": "dev", "target": "aws", "aws": {"region": "us-east-1", "account": "123456789012", "eks": eks}}
    stack = StackSpec.model_validate_json(json.dumps(declared))
    assert stack.aws is not None
    assert zones_of(stack.aws) == ("use1-az1", "use1-az2", "use1-az4")


def test_the_table_is_whole() -> None:
    table = offers()
    assert len(table.zones) >= 25
    for region, zones in table.zones.items():
        assert len(zones) >= 2
        assert all(set(only) <= set(zones) for only in table.only[region].values())
        assert set(table.only[region]) <= set(table.types)
    assert table.types["g5.xlarge"].gpu == "A10G"
    assert table.types["p5.48xlarge"].gpus == 8
    assert set(table.zones_of("us-east-1", "g5.xlarge")) < set(table.zones["us-east-1"])
    assert WITHOUT_EKS & {zone for zones in table.zones.values() for zone in zones}
