"""What can be called: the registry that people write, the catalog that ships, and their outcome as one `core.service.Snapshot`.

Not for: resolving secrets (`control/`), watching files (the supervisor), or anything on the path of a call.
"""
