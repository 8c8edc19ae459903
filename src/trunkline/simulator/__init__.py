"""Simulated vendors on loopback, with the wire behaviour, errors and faults of the real ones, for the demo, tests and drills.

Not for: answers of any worth. Everything is labelled (`x-trunkline-simulated: true`, ids with `sim`), so that no one takes it for real.
Start it with `python -m trunkline.simulator --port 0`, or in process with `Simulator().start(host, port)`.
"""

from trunkline.simulator.server import Simulator

__all__ = ["Simulator"]
