"""The gateway process around the engine: addresses, what it answers itself, swapping snapshots, its statistics file.

Not for: how a call runs (`engine/`), nor what other processes do (`console/`, `control/`).
"""
