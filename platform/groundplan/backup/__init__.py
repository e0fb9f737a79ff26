"""Saves PostgreSQL and the object store into a folder, and brings them back: what the cluster's CronJobs run.

Two programs, since PostgreSQL's own and an S3 client are in different images: ``groundplan.backup.database`` writes
``new/database``, then ``groundplan.backup.objects`` writes ``new/objects`` and names the whole by its time. A backup
that is not named so is not whole. The database goes first: what its rows name is in the object store already.
"""
