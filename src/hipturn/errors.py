"""The errors hipturn raises, sorted by what the caller should do about them.

::

    HipturnError                 one line: what is wrong, where, what to do
    ├── UsageError               the request is wrong: correct the command or setting   (exit 2)
    ├── InputError               the file or its content is wrong: stop and explain     (exit 1)
    ├── LinkError                the radio link failed: back off and reconnect
    │   └── BluetoothUnavailable no adapter, switched off, not permitted: tell the user, then retry
    ├── CalibrationRefused       the movement was not good enough: say why and repeat it
    └── RecordingError           the recording cannot be written: say so, keep measuring

Damaged packets and lost samples are not errors: they are values in the stream
(`model.BadPackets`, `model.Gap`), counted and told.
"""


class HipturnError(Exception):
    """Base of all errors hipturn raises on purpose; its text is one line for a person."""


class UsageError(HipturnError):
    """A command, option or setting is wrong; the text names it and the nearest right one."""


class InputError(HipturnError):
    """A file or its content cannot be used; the text says where and what to do."""


class LinkError(HipturnError):
    """The link to the sensor failed in a way that a new attempt can mend."""


class BluetoothUnavailable(LinkError):
    """This computer's Bluetooth cannot be used now: none, switched off or not permitted."""


class CalibrationRefused(HipturnError):
    """A functional calibration was too poor to use; the text says what to do differently.

    `why` names the reason for whoever says it in another language, with the `values` in it.
    """

    def __init__(self, text: str, why: str = "", **values: str) -> None:
        super().__init__(text)
        self.why, self.values = why, values


class RecordingError(HipturnError):
    """The recording cannot be written; measuring goes on."""
