"""A device's GATT table as bumble's objects."""

from collections.abc import Callable
from typing import TypeVar

from bumble import att, gatt
from bumble.device import Connection

from hipturn.sources.virtual.devices import Characteristic, Refused, Service

T = TypeVar("T")

_BITS = gatt.Characteristic.Properties


def bumble_service(service: Service, notifying: dict[str, gatt.Characteristic[bytes]]) -> gatt.Service:
    """Return the service for bumble; its characteristics that notify are put into `notifying` by UUID."""
    characteristics = []
    for one in service.characteristics:
        made = _characteristic(one)
        characteristics.append(made)
        if one.notify:
            notifying[one.uuid] = made
    return gatt.Service(service.uuid, characteristics)


def _characteristic(one: Characteristic) -> gatt.Characteristic[bytes]:
    properties = _BITS(0)
    if one.read is not None:
        properties |= _BITS.READ
    if one.write is not None:
        properties |= _BITS.WRITE | _BITS.WRITE_WITHOUT_RESPONSE
    if one.notify:
        properties |= _BITS.NOTIFY

    def read(_connection: Connection) -> bytes:
        return _answered(one.read) if one.read is not None else b""

    def write(_connection: Connection, value: bytes) -> None:
        accept = one.write
        if accept is not None:
            _answered(lambda: accept(value))

    permissions = gatt.Characteristic.READABLE | gatt.Characteristic.WRITEABLE
    value = gatt.CharacteristicValue(read=read, write=write)
    made = gatt.Characteristic[bytes](one.uuid, properties, permissions, value)
    heard = one.subscribed
    if heard is not None:
        made.on(made.EVENT_SUBSCRIPTION, lambda _bearer, notify, _indicate: heard(notify))
    return made


def _answered(call: Callable[[], T]) -> T:
    """Return what the firmware answers; its refusals become ATT errors."""
    try:
        return call()
    except Refused as refusal:
        raise att.ATT_Error(att.ErrorCode(refusal.code)) from refusal
