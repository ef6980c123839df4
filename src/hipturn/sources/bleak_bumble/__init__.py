"""A bleak backend over a software Bluetooth stack: the BLE source on it does not know."""

from hipturn.sources.bleak_bumble.client import backend

__all__ = ["backend"]
