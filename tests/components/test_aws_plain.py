"""What needs no mocks: how ranges are cut, what names are like, who reads what."""

from ipaddress import IPv4Network

import pytest

pytest.importorskip("pulumi_aws", reason="SKIPPED: the extra `aws` is not installed: uv sync --extra aws")

from hypothesis import given
from hypothesis import strategies as st
from tests.support.aws.registrations import example

from groundplan.spec import AwsSpec
from groundplan_components.aws.ranges import cut
from groundplan_components.aws.site import Site
from groundplan_components.aws.workloads import workloads


@given(st.integers(16, 20), st.integers(2, 4), st.integers(0, 255))
def test_no_two_ranges_overlap_and_all_are_inside(prefix: int, zones: int, second: int) -> None:
    whole = IPv4Network((f"10.{second}.0.0", prefix))
    rows = cut(str(whole), [f"z{n}" for n in range(zones)])
    ranges = [IPv4Network(each) for row in rows for each in (row.private, row.public, row.data)]
    assert all(each.subnet_of(whole) for each in ranges)
    assert not any(a.overlaps(b) for n, a in enumerate(ranges) for b in ranges[:n])
    assert all(each.prefixlen <= 28 for each in ranges)  # AWS's smallest


def test_a_zone_more_moves_no_others_ranges() -> None:
    assert cut("10.0.0.0/16", ["a", "b", "c"])[:2] == cut("10.0.0.0/16", ["a", "b"])


def test_more_zones_than_there_is_room_for_are_refused() -> None:
    with pytest.raises(ValueError, match="at most 4"):
        cut("10.0.0.0/16", list("abcde"))


def test_names_stay_within_what_aws_takes_and_apart() -> None:
    aws = AwsSpec(region="ap-southeast-1", account="123456789012")
    long, other = Site("a" * 40, True, aws), Site("a" * 39 + "b", True, aws)
    for limit in (32, 40, 64):
        assert len(long.name("controlplane-and-more", limit)) <= limit
        assert long.name("controlplane-and-more", limit) != other.name("controlplane-and-more", limit)
    assert len(f"{long.global_name('data')}-kept") <= 63
    assert Site("prod", True, aws).name("database") == "groundplan-prod-database"


def test_every_run_is_a_workload_that_touches_its_own_project_alone() -> None:
    _, plan = example()
    found = workloads(plan)
    assert len({each.account for each in found}) == len(found)
    for each in found:
        for prefix in (*each.read, *each.write, *each.list):
            assert prefix.split("/")[1] == each.project
            assert prefix.endswith("/")
