"""Every table of the control database: the modules that hold them, imported so that a new database gets them all.

A part with tables of its own defines them on `control_tables.metadata`, adds its module here, and a migration.
"""

from __future__ import annotations

from trunkline.ledger import (
    alert_tables,
    data_tables,
    findings_tables,
    incident_tables,
    people_tables,
    review_tables,
    rotation_tables,
    trace_tables,
)
from trunkline.ledger.control_tables import metadata

__all__ = [
    "alert_tables",
    "data_tables",
    "findings_tables",
    "incident_tables",
    "metadata",
    "people_tables",
    "review_tables",
    "rotation_tables",
    "trace_tables",
]
