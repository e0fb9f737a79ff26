"""``pulumi-resource-aws`` for tests: the real terraform-provider-aws behind Pulumi's bridge, by pulumi-aws's names.

The official plugin is in no registry of packages. This one takes what unmodified pulumi-aws programs register, gives
it the bridge's own names of types, and hands it on. What it does not prove is in docs/aws.md.
"""
