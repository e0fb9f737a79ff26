"""The control plane: features, training, pairs, aliases and serving, behind one REST API, on PostgreSQL.

Every write appends its event in the same transaction. Long work runs as durable workflows; compute runs on Ray.
"""
