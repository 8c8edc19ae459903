"""What holds for every test: properties are judged by what they say, not by how long an example took on this machine."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile("trunkline", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("trunkline")
