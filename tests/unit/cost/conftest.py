"""A checkout with a stack on AWS beside the local one."""

from pathlib import Path

import pytest

from tests.support.checkout import Checkout

AWS = """\
name: prod
target: aws
projects: [shop]
cluster: {ray_workers: {workers: {min: 1, max: 2}, gpu: {min: 0, max: 9, gpus: 1}}}
aws:
  region: us-east-1
  account: "123456789012"
  network: {zones: [use1-az1, use1-az2], nat: one, endpoints: [ecr]}
  eks:
    runner: {}
    admins: ["arn:aws:iam::123456789012:role/deployer"]
    node_groups:
      general: {instances: [m7i.xlarge], min: 2, max: 6}
      gpu: {instances: [g5.xlarge], min: 0, max: 4}
  database: {instance: db.m7g.large, multi_az: true, storage_gb: 100, max_storage_gb: 100}
  cache: {instance: cache.m7g.large, replicas: 1}
  door: {zone: example.org, zone_id: Z0123456789ABCDEFGHIJ, allow_from: [10.0.0.0/12]}
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    made = Checkout(tmp_path)
    made.write("Pulumi.yaml", "name: groundplan\n")
    made.write("stacks/prod.yaml", AWS)
    return made
