"""What runs and serving share: feature jobs, training kinds, PyFunc models and the feature facade. Ships alone."""
