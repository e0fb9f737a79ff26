"""The catalogue: every model, what is known of it, and where each of its versions stands."""
