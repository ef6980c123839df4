"""The virtual sensor: a simulated leg behind a real GATT server, in this process or in one of its own."""

from hipturn.sources.virtual.process import Event, Spawned, serve, spawned
from hipturn.sources.virtual.settings import NEAR_WRAP_US, VirtualSettings

__all__ = ["NEAR_WRAP_US", "Event", "Spawned", "VirtualSettings", "serve", "spawned"]
