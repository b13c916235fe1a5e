"""Tables typed by models."""

from trunkline.tables.table import Table, TableAccess

__all__ = ["Table", "TableAccess"]
