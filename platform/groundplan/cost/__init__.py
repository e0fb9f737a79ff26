"""What a stack is estimated to cost a month, before it is made: from a price table in the repository. Pure."""

from groundplan.cost.bill import Bill, Line
from groundplan.cost.estimate import Estimate, Range, Row, delta, estimate
from groundplan.cost.of_stack import bill_of, estimate_of, refuse_over_ceiling
from groundplan.cost.prices import HOURS, Price, PriceTable, price_table

__all__ = [
    "HOURS",
    "Bill",
    "Estimate",
    "Line",
    "Price",
    "PriceTable",
    "Range",
    "Row",
    "bill_of",
    "delta",
    "estimate",
    "estimate_of",
    "price_table",
    "refuse_over_ceiling",
]
