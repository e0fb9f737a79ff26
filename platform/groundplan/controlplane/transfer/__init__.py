"""Pairs from one environment's registry to another's: by digest, with their evidence, and never trained again."""
