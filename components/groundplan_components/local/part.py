"""What the parts have in common: one service under a component of the platform's name for it."""

from typing import Any

import pulumi

from groundplan_components.resources import Service


class Part(pulumi.ComponentResource):
    """A part of the platform on one supervised process. ``address``: where it answers; ``service``: its process."""

    address: str
    service: Service

    def __init__(self, kind: str, name: str, address: str, opts: pulumi.ResourceOptions | None) -> None:
        super().__init__(f"groundplan:platform:{kind}", name, None, opts)
        self.address = address

    def run(self, name: str, **inputs: Any) -> None:
        """Declare the process and finish the component."""
        self.service = Service(name, name=name, **inputs, opts=pulumi.ResourceOptions(parent=self))
        self.register_outputs({"address": self.address, "running": self.service.running})
