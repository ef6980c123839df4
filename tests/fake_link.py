"""A link without a radio: remembers what a driver did, and answers as told."""

from collections.abc import Callable, Mapping
from typing import Any

from hipturn.errors import LinkError


class FakeLink:
    """`drivers.Link` for handshakes: `values` to read, and `answers` to a write as notifications."""

    def __init__(
        self,
        values: Mapping[str, bytes] | None = None,
        answers: Callable[[str, bytes], list[bytes]] | None = None,
    ) -> None:
        self.values = dict(values or {})
        self._answers = answers
        self.done: list[tuple[Any, ...]] = []

    async def read(self, uuid: str) -> bytes:
        self.done.append(("read", uuid))
        if uuid not in self.values:
            raise LinkError("reading from the sensor: there is no such characteristic")
        return self.values[uuid]

    async def write(
        self, uuid: str, data: bytes, *, response: bool = True, service: str | None = None
    ) -> None:
        self.done.append(("write", uuid, data) if service is None else ("write", uuid, data, service))

    async def subscribe(self, uuid: str, tag: bytes = b"") -> None:
        self.done.append(("subscribe", uuid, tag))

    async def unsubscribe(self, uuid: str) -> None:
        self.done.append(("unsubscribe", uuid))

    async def ask(
        self, uuid: str, data: bytes, is_answer: Callable[[bytes], bool], *, response: bool = True
    ) -> bytes:
        await self.write(uuid, data, response=response)
        for answer in self._answers(uuid, data) if self._answers else []:
            if is_answer(answer):
                return answer
        raise LinkError("waiting for the sensor's answer: no answer within 5 s")
