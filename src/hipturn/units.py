"""Every conversion factor of the program, each with its source."""

import math

STANDARD_GRAVITY_MPS2 = 9.80665
"""1 g, by definition (3rd CGPM, 1901; ISO 80000-3)."""

RAD_PER_DEG = math.pi / 180.0
DEG_PER_RAD = 180.0 / math.pi

NS_PER_S = 1_000_000_000
NS_PER_MS = 1_000_000
NS_PER_US = 1_000

ACC_UNITS_MPS2 = {"mps2": 1.0, "g": STANDARD_GRAVITY_MPS2, "mg": STANDARD_GRAVITY_MPS2 / 1000.0}
"""Metres per second squared in one accelerometer unit that a file may use."""

GYR_UNITS_RADPS = {"radps": 1.0, "dps": RAD_PER_DEG}
"""Radians per second in one gyroscope unit that a file may use."""

TIME_UNITS_NS = {"s": float(NS_PER_S), "ms": float(NS_PER_MS), "us": float(NS_PER_US), "ns": 1.0}
"""Nanoseconds in one time unit that a file may use."""
