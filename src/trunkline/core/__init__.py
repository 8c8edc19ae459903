"""The words of Trunkline: calls, services, failures, records. Values only; no clock, socket or file is touched here."""
