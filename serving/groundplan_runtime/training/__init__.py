"""Training: examples with their features as then known → a pair (preprocessor, model), measured and logged."""
