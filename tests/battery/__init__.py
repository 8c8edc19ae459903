"""The long experiments of durability and faults. Each is a function of its size; `tests/flows` runs the short form of each."""
