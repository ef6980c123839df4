"""Messages of the Xsens DOT's message service (firmware-notes/xsens-dot.md §7)."""

SYNC = 0x02
"""Message id of everything about synchronisation."""
START_SYNC, STOP_SYNC, START_RESULT, GET_STATUS, STOP_RESULT, STATUS = 0x01, 0x02, 0x03, 0x08, 0x50, 0x51


def message(kind: int, data: bytes = b"") -> bytes:
    """Return a synchronisation message: id, length, kind and data, and what makes the sum 0 modulo 256."""
    body = bytes([SYNC, 1 + len(data), kind]) + data
    return body + bytes([-sum(body) & 0xFF])


def start_sync(root_address: str) -> bytes:
    """Return the message that makes a sensor follow the one with this Bluetooth address, or be it."""
    return message(START_SYNC, bytes.fromhex(root_address.replace(":", ""))[::-1])


def read_message(value: bytes) -> tuple[int, bytes] | None:
    """Return a message's kind and data; None if it is damaged or about something else."""
    if len(value) < 4 or value[0] != SYNC or value[1] < 1 or len(value) < value[1] + 3:
        return None
    whole = value[: value[1] + 3]
    return (whole[2], whole[3:-1]) if sum(whole) % 256 == 0 else None
