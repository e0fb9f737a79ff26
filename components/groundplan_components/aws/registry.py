"""ECR: the platform's own images, by digest, scanned when pushed."""

import json

import pulumi
import pulumi_aws as aws

from groundplan_components.aws.keys import Keys
from groundplan_components.aws.site import Part, Site

#: Images of the platform; what runs names them by digest.
IMAGES = ("runtime", "services")
#: Days after which an image that no tag names goes.
UNTAGGED_DAYS = 30


class Registry(Part):
    """``urls``: image → the repository's address."""

    urls: dict[str, pulumi.Output[str]]

    def __init__(self, name: str, site: Site, keys: Keys, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("Registry", name, site, opts)
        self.urls = {image: self._repository(image, keys) for image in IMAGES}
        self.register_outputs({"urls": self.urls})

    def _repository(self, image: str, keys: Keys) -> pulumi.Output[str]:
        site = self.site
        made = aws.ecr.Repository(
            image,
            name=f"{site.name()}/{image}",
            image_tag_mutability="IMMUTABLE",
            image_scanning_configuration={"scan_on_push": True},
            encryption_configurations=[{"encryption_type": "KMS", "kms_key": keys.data.arn}],
            force_delete=not site.keep,
            tags=site.tags(f"image-{image}"),
            opts=self.kept(),
        )
        aws.ecr.LifecyclePolicy(image, repository=made.name, policy=_lifecycle(), opts=self.kept())
        return pulumi.Output.from_input(made.repository_url)


def _lifecycle() -> str:
    untagged = {
        "tagStatus": "untagged",
        "countType": "sinceImagePushed",
        "countUnit": "days",
        "countNumber": UNTAGGED_DAYS,
    }
    rule = {"rulePriority": 1, "description": "No tag names it", "selection": untagged, "action": {"type": "expire"}}
    return json.dumps({"rules": [rule]}, sort_keys=True)
