"""A small checkout in a temporary folder: one stack, one project that exercises every part of the spec."""

from pathlib import Path

STACK = """\
name: local
target: local
projects: [shop]
local: {port_base: 20000}
"""

PROJECT = """\
defaults:
  - training: [spend]
  - _self_
name: shop
team: core
owner: shop@example.org
description: What customers spend
entities:
  customer: {join_key: customer, type: string, description: Who buys}
data_sources:
  orders:
    kind: csv
    path: data/orders.csv
    fields: {customer: string, ordered_at: timestamp, amount: float64}
feature_views:
  recent:
    entities: [customer]
    inputs: [orders]
    sql: features/recent.sql
    timestamp: event_timestamp
    ttl: 28d
    fields: {mean_amount: float64, orders: int64}
    description: The last orders
    tags: {tier: gold}
  trend:
    entities: [customer]
    inputs: [recent]
    python: features/trend.py:build
    timestamp: event_timestamp
    ttl: 7d
    fields: {slope: float64}
feature_services:
  spending: {views: {recent: all, trend: [slope]}}
serving:
  spend:
    model: spend
    tiers: {model: {replicas: 2, cpus: 0.5}}
"""

TRAINING = """\
spend:
  kind: linear
  feature_service: spending
  examples: {sql: training/examples.sql, inputs: [orders], timestamp: event_timestamp, target: amount}
  baseline: recent__mean_amount
  as_of: 2024-03-01T00:00:00Z
  validation: {holdout: 7d}
  preprocessor: {categorical: [customer]}
  hyperparameters: {alpha: 0.5}
  aliases:
    latest: {follow: latest}
    production: {follow: latest, gates: [{metric: mae, better_than: baseline}]}
"""

RECENT = """\
select customer, ordered_at as event_timestamp,
       avg(amount) over w as mean_amount, count(*) over w as orders
from orders
window w as (partition by customer order by ordered_at rows between 7 preceding and 1 preceding)
"""

EXAMPLES = "select customer, ordered_at as event_timestamp, amount from orders\n"

FILES = {
    "stacks/local.yaml": STACK,
    "projects/shop/project.yaml": PROJECT,
    "projects/shop/training/spend.yaml": TRAINING,
    "projects/shop/features/recent.sql": RECENT,
    "projects/shop/features/trend.py": "def build(recent):\n    return recent\n",
    "projects/shop/training/examples.sql": EXAMPLES,
    "projects/shop/data/orders.csv": "customer,ordered_at,amount\nann,2024-01-01T00:00:00Z,3.5\n",
}


class Checkout:
    """Files under a root, to be edited by tests."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name, text in FILES.items():
            self.write(name, text)

    def write(self, name: str, text: str) -> Path:
        """Write a file, making its folders."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace a piece of text that the file holds exactly once."""
        text = (self.root / name).read_text()
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {name}"
        (self.root / name).write_text(text.replace(old, new))

    def line(self, name: str, text: str) -> int:
        """Return the number of the first line that holds a text."""
        return next(n for n, line in enumerate((self.root / name).read_text().splitlines(), 1) if text in line)
