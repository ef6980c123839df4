"""The scanner of the bleak backend over bumble, and what an advertisement says in bleak's terms."""

from typing import Any, ClassVar

from bleak.backends.scanner import AdvertisementData, AdvertisementDataCallback, BaseBleakScanner
from bleak.uuids import normalize_uuid_str
from bumble.core import UUID, AdvertisingData
from bumble.device import Advertisement

from hipturn.sources.bleak_bumble.adapter import Adapter

_KIND = AdvertisingData.Type
_UUID_SIZES = {
    _KIND.INCOMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS: 2,
    _KIND.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS: 2,
    _KIND.INCOMPLETE_LIST_OF_32_BIT_SERVICE_CLASS_UUIDS: 4,
    _KIND.COMPLETE_LIST_OF_32_BIT_SERVICE_CLASS_UUIDS: 4,
    _KIND.INCOMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS: 16,
    _KIND.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS: 16,
}
_SERVICE_DATA_SIZES = {
    _KIND.SERVICE_DATA_16_BIT_UUID: 2,
    _KIND.SERVICE_DATA_32_BIT_UUID: 4,
    _KIND.SERVICE_DATA_128_BIT_UUID: 16,
}


class BumbleScanner(BaseBleakScanner):
    """`bleak.BleakScanner` on bumble."""

    adapter: ClassVar[Adapter]

    def __init__(
        self,
        detection_callback: AdvertisementDataCallback | None,
        service_uuids: list[str] | None,
        scanning_mode: str,
        **_kwargs: Any,
    ) -> None:
        super().__init__(detection_callback, service_uuids)
        self._active = scanning_mode == "active"

    async def start(self) -> None:
        """Start listening; raise `BleakBluetoothNotAvailableError` if the transport does not open."""
        self.seen_devices = {}
        await self.adapter.start_scan(self._heard, active=self._active)

    async def stop(self) -> None:
        """Stop listening."""
        await self.adapter.stop_scan(self._heard)

    def _heard(self, heard: Advertisement) -> None:
        address = heard.address.to_string(False)
        data = _advertisement_data(heard)
        if address in self.seen_devices:
            # As operating systems do: a report adds to what earlier ones said.
            known = self.seen_devices[address][1]
            data = data._replace(
                local_name=data.local_name or known.local_name,
                service_uuids=data.service_uuids or known.service_uuids,
                manufacturer_data={**known.manufacturer_data, **data.manufacturer_data},
            )
        device = self.create_or_update_device(address, address, data.local_name, heard.address, data)
        if self.is_allowed_uuid(data.service_uuids):
            self.call_detection_callbacks(device, data)


def uuid_text(uuid: UUID) -> str:
    """Return a UUID as bleak writes it: all 128 bits, lower case."""
    return normalize_uuid_str(uuid.to_hex_str("-"))


def _advertisement_data(heard: Advertisement) -> AdvertisementData:
    """Return an advertisement in bleak's terms (Core Specification Supplement 11, Part A 1)."""
    name: str | None = None
    manufacturer: dict[int, bytes] = {}
    service_data: dict[str, bytes] = {}
    uuids: dict[str, None] = {}
    for kind, value in heard.data.ad_structures:
        match kind:
            case _KIND.COMPLETE_LOCAL_NAME | _KIND.SHORTENED_LOCAL_NAME:
                name = value.decode(errors="replace")
            case _KIND.MANUFACTURER_SPECIFIC_DATA:
                manufacturer[int.from_bytes(value[:2], "little")] = bytes(value[2:])
            case _ if kind in _UUID_SIZES:
                size = _UUID_SIZES[kind]
                for at in range(0, len(value) - size + 1, size):
                    uuids[uuid_text(UUID.from_bytes(value[at : at + size]))] = None
            case _ if kind in _SERVICE_DATA_SIZES and len(value) >= _SERVICE_DATA_SIZES[kind]:
                size = _SERVICE_DATA_SIZES[kind]
                service_data[uuid_text(UUID.from_bytes(value[:size]))] = bytes(value[size:])
    return AdvertisementData(name, manufacturer, service_data, list(uuids), None, heard.rssi, (heard,))
