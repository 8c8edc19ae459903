"""Durable work: tasks that outlive every process, behind a small port. Deferred calls today; pipelines and agents on the same port."""
