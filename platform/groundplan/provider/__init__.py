"""The resource provider: the engine's protocol on one side, handlers in plain Python values on the other."""
