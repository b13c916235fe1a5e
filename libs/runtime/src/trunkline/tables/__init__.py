"""Tables typed by models."""

from trunkline.tables.conditions import Condition, Field
from trunkline.tables.pages import Page
from trunkline.tables.table import Table, TableAccess
from trunkline.tables.transaction import Transaction

__all__ = ["Condition", "Field", "Page", "Table", "TableAccess", "Transaction"]
