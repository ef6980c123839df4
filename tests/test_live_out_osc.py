"""OSC, received by python-osc's server."""

import queue
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from hipturn.coach import Prompt
from hipturn.errors import InputError
from hipturn.model import HipAngle, Orientation, Rep
from hipturn.sinks.osc import OscOut, message
from live_sessions import heard, of, thinned

server = pytest.importorskip("pythonosc.osc_server", reason="receives OSC: pip install 'hipturn[osc]'")
dispatcher = pytest.importorskip("pythonosc.dispatcher")

Received = tuple[str, tuple[Any, ...]]


@pytest.fixture
def receiver() -> Iterator[tuple[int, "queue.Queue[Received]"]]:
    """A port that listens, and what came."""
    came: queue.Queue[Received] = queue.Queue()
    handlers = dispatcher.Dispatcher()
    handlers.set_default_handler(lambda address, *arguments: came.put((address, arguments)))
    with server.BlockingOSCUDPServer(("127.0.0.1", 0), handlers) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        yield listening.server_address[1], came
        listening.shutdown()
        thread.join()


def test_what_is_sent_is_what_arrives(receiver: tuple[int, "queue.Queue[Received]"]) -> None:
    """Every message in order, numbers to the precision of a float, times to that of a double."""
    port, came = receiver
    items = thinned(heard(lost=range(2000, 2050)))
    told: list[str] = []
    with OscOut("127.0.0.1", port, told.append, limit=10_000) as out:
        for item in items:
            out.hear(item)
    wanted = [found for item in items if (found := message(item))]
    for address, _, arguments in wanted:
        got = came.get(timeout=10)
        assert got[0] == address
        for have, want in zip(got[1], arguments, strict=True):
            assert have == (pytest.approx(want, rel=1e-6) if isinstance(want, float) else want)
    assert (told, out.dropped) == ([], 0)
    addresses = {address for address, _, _ in wanted}
    parts = ("angle", "orientation", "turn", "rep", "gap", "link")
    assert addresses >= {f"/hipturn/shin/{part}" for part in parts} | {"/hipturn/say"}


def test_each_kind_says_what_the_table_says() -> None:
    items = heard()
    (rep, *_), (angle, *_) = of(Rep, items), of(HipAngle, items)
    found = message(rep)
    assert found is not None
    assert found[2][1:3] == (1, rep.direction.value) and found[2][5] == rep.verdict.value
    found = message(angle)
    assert found is not None
    assert found[2][0] == angle.t_ns[-1] / 1e9 and found[2][4] in (0, 1)
    (prompt, *_) = of(Prompt, items)
    assert message(prompt) == ("/hipturn/say", "ds", (prompt.t_ns / 1e9, prompt.say))


@pytest.mark.parametrize("stream", ["a b", "x/y", "#*,?[]{}", "ä", ""])
def test_a_stream_of_any_name_gives_an_address(
    stream: str, receiver: tuple[int, "queue.Queue[Received]"]
) -> None:
    """A part of an address may not hold what OSC uses for patterns, or anything but ASCII."""
    from dataclasses import replace

    port, came = receiver
    with OscOut("127.0.0.1", port, lambda _: None) as out:
        out.hear(replace(of(Orientation, heard())[0], stream=stream))
    address, _ = came.get(timeout=10)
    assert address.startswith("/hipturn/") and address.count("/") == 3
    assert not set(" #*,?[]{}") & set(address) and address.isascii()


def test_nobody_listening_holds_nothing_up() -> None:
    with OscOut("127.0.0.1", 9, lambda _: None) as out:
        for item in heard():
            out.hear(item)


def test_a_host_that_does_not_exist_is_told_in_one_line() -> None:
    with pytest.raises(InputError, match="no host is called"):
        OscOut("nowhere.invalid", 9000, lambda _: None)
