"""The ``aws`` target: EKS with its nodes, RDS, S3, ElastiCache, and least-privilege roles from the plan's edges.

Imports ``pulumi_aws``, which is slow and an optional extra: imported only when such a target is deployed.
"""
