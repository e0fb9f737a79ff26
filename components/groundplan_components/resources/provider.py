"""The provider resource."""

import pulumi


class Groundplan(pulumi.ProviderResource):
    """The plugin, configured with what the plan knows: never with an output, or the preview would be left empty."""

    def __init__(
        self,
        resource_name: str,
        *,
        stack_id: str,
        endpoint: str | None = None,
        token_file: str | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        config = {"stack_id": stack_id, "endpoint": endpoint, "token_file": token_file}
        super().__init__("groundplan", resource_name, config, opts)
