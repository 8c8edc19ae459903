"""What holds for every test: properties are judged by what they say, not by how long an example took on this machine.

Fifty examples each: with a hundred, properties were a sixth of the suite's time.
"""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile(
    "trunkline", max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("trunkline")
