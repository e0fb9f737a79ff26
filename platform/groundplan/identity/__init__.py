"""The stack's own issuer: an OpenID provider for the people and programs that the stack declares (docs/identity.md).

Only :mod:`groundplan.identity.declaration` and :mod:`groundplan.identity.clients` are for the deployer's environment.
"""
