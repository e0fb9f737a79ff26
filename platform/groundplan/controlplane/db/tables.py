"""The tables, as SQLAlchemy sees them. What creates them is ``migrations``."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

metadata = sa.MetaData()


def _now(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now())


#: What is declared, and how it stands.
resources = sa.Table(
    "resources",
    metadata,
    sa.Column("project", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("data_digest", sa.Text, nullable=False),
    sa.Column("properties", JSONB, nullable=False),
    sa.Column("upstream", JSONB, nullable=False),
    sa.Column("outputs", JSONB, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("message", sa.Text),
    sa.Column("generation", sa.Integer, nullable=False, server_default="1"),
    _now("created_at"),
    _now("updated_at"),
)

#: Append-only: who did what to what, before and after, why. A trigger refuses every change and deletion; each carries
#: the hash of the one before it (``audit.chain``, which alone writes here). ``at`` is its transaction's begin.
events = sa.Table(
    "events",
    metadata,
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("project", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("before", JSONB),
    sa.Column("after", JSONB),
    sa.Column("reason", sa.Text),
    sa.Column("correlation_id", sa.Text),
    sa.Column("previous", sa.Text, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
)

#: Pair versions: one number for both halves. ``digest`` is the model's data digest: asking twice trains once.
pairs = sa.Table(
    "pairs",
    metadata,
    sa.Column("project", sa.Text, primary_key=True),
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("run_id", sa.Text, nullable=False),
    sa.Column("metrics", JSONB, nullable=False),
    #: The features it was trained on (FEATURES of the contract); null for pairs of before they were kept.
    sa.Column("features", JSONB),
    sa.Column("trained_by", sa.Text),
    #: {"views": {view: {"uri", "entities", "timestamp", "ttl", "fields"}}, "holdout": uri}: to judge it again later.
    sa.Column("trained_on", JSONB),
    #: Of a pair that another environment trained: {"stack", "version", "run_id", "content", "evidence", …} there.
    sa.Column("source", JSONB),
    #: committed; void: it lost a half in MLflow, another of its digest took its place; purged. Numbers never repeat.
    sa.Column("state", sa.Text, nullable=False),
    _now("created_at"),
    sa.Index(
        "pairs_once_a_digest",
        "project",
        "model",
        "digest",
        unique=True,
        postgresql_where=sa.text("state = 'committed'"),
    ),
)

#: One row an alias: where it points, moved by compare-and-set on ``generation``.
aliases = sa.Table(
    "aliases",
    metadata,
    sa.Column("project", sa.Text, primary_key=True),
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("alias", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer),
    sa.Column("generation", sa.Integer, nullable=False, server_default="0"),
    sa.Column("hold_reason", sa.Text),
    sa.Column("hold_actor", sa.Text),
)

#: Append-only: "what was production when".
alias_moves = sa.Table(
    "alias_moves",
    metadata,
    sa.Column("seq", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    _now("at"),
    sa.Column("project", sa.Text, nullable=False),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("alias", sa.Text, nullable=False),
    sa.Column("from_version", sa.Integer),
    sa.Column("to_version", sa.Integer),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("reason", sa.Text),
    #: follow, version (the declaration says so); promote, rollback (a person did); same_pair, delete.
    sa.Column("cause", sa.Text),
    #: {"metrics": {…}, "gates": [verdict]}.
    sa.Column("evidence", JSONB),
)

#: Append-only: who let a pair version pass, and why.
approvals = sa.Table(
    "approvals",
    metadata,
    sa.Column("seq", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    _now("at"),
    sa.Column("project", sa.Text, nullable=False),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("correlation_id", sa.Text),
)

#: Append-only: who retired a pair version, or took that back, and why. The last row of a version says how it is.
retirements = sa.Table(
    "retirements",
    metadata,
    sa.Column("seq", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    _now("at"),
    sa.Column("project", sa.Text, nullable=False),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("retired", sa.Boolean, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("correlation_id", sa.Text),
)

#: Long work: one row an attempt to make a resource match its digest.
operations = sa.Table(
    "operations",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("project", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    #: What a person asked for beside the declaration: {"train": true}, {"version": 3}, {"release": true}.
    sa.Column("request", JSONB, nullable=False, server_default="{}"),
    sa.Column("error", JSONB),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("correlation_id", sa.Text),
    _now("created_at"),
    sa.Column("finished_at", sa.DateTime(timezone=True)),
)

operation_messages = sa.Table(
    "operation_messages",
    metadata,
    sa.Column("seq", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("operation", sa.Text, sa.ForeignKey("operations.id", ondelete="CASCADE"), nullable=False, index=True),
    _now("at"),
    sa.Column("text", sa.Text, nullable=False),
)
