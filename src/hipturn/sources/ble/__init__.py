"""Bluetooth LE sensors over bleak: finding them, connecting, coming back after every loss."""

from hipturn.sources.ble.air import Backend
from hipturn.sources.ble.link import Limits
from hipturn.sources.ble.scan import Found, scan
from hipturn.sources.ble.source import BleSource, LinkState

__all__ = ["Backend", "BleSource", "Found", "Limits", "LinkState", "scan"]
