"""The channels and schemas a recording has so far; new ones are made as inputs ask for them."""

from hipturn.model import StreamInfo
from hipturn.recording import messages
from hipturn.recording.container import Container


class Channels:
    """Gives the channel number for what is to be written, making the channel on first use."""

    def __init__(self, container: Container) -> None:
        self._container = container
        self._schemas: dict[str, int] = {}
        self._known: dict[tuple[str, ...], int] = {}
        self._packets: dict[str, int] = {}

    def link_up(self, stream: str, info: StreamInfo) -> None:
        """Give the stream's packets from here on a channel that tells this info."""
        told = messages.to_json(info).decode()
        self._packets[stream] = self._channel(
            f"{messages.PACKETS}/{stream}",
            messages.PACKET_ENCODING,
            0,
            {"stream": stream, "driver": info.driver, "info": told},
        )

    def packets(self, stream: str) -> int:
        """Return the channel of the stream's packets."""
        if stream not in self._packets:
            topic = f"{messages.PACKETS}/{stream}"
            self._packets[stream] = self._channel(topic, messages.PACKET_ENCODING, 0, {"stream": stream})
        return self._packets[stream]

    def message(self, kind: type[messages.Message]) -> int:
        """Return the channel of one kind of JSON message."""
        schema = self._schema(f"hipturn.{kind.__name__}", messages.schema(kind))
        return self._channel(messages.TOPICS[kind], "json", schema, {})

    def events(self, stream: str) -> int:
        """Return the channel of the stream's results, or of the session's for ""."""
        schema = self._schema("hipturn.Event", messages.to_json(messages.EVENT_SCHEMA))
        if not stream:
            return self._channel(messages.EVENTS, "json", schema, {})
        return self._channel(f"{messages.EVENTS}/{stream}", "json", schema, {"stream": stream})

    def _schema(self, name: str, text: bytes) -> int:
        if name not in self._schemas:
            self._schemas[name] = self._container.schema(name, text)
        return self._schemas[name]

    def _channel(self, topic: str, encoding: str, schema: int, metadata: dict[str, str]) -> int:
        key = (topic, *metadata.values())
        if key not in self._known:
            self._known[key] = self._container.channel(topic, encoding, schema, metadata)
        return self._known[key]
