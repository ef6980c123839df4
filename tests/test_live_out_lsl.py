"""LSL, read by pylsl's inlets, which are liblsl's."""

import itertools
import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hipturn import lines
from hipturn.model import HipAngle, LinkUp, Orientation, Output, Packets
from hipturn.sinks.lsl import LslOut, clock_shift_s
from hipturn.units import NS_PER_S
from live_sessions import heard, of

pylsl = pytest.importorskip("pylsl", reason="reads LSL: pip install 'hipturn[lsl]'")


def inlet(name: str) -> Any:
    found = pylsl.resolve_byprop("name", name, timeout=30)
    assert found, f"no stream is called {name}"
    opened = pylsl.StreamInlet(found[0])
    opened.open_stream(timeout=30)
    return opened


def pulled(stream: Any, count: int) -> tuple[list[list[Any]], Any]:
    rows, stamps = zip(*(stream.pull_sample(timeout=30) for _ in range(count)))
    assert None not in stamps, "fewer came than were sent"
    return list(rows), np.array(stamps)


def test_a_lab_reads_orientation_angle_and_markers() -> None:
    """Every value, in order, and each with the moment it was taken, not sent."""
    items = heard(lost=range(2000, 2050))
    told: list[str] = []
    with LslOut(told.append, limit=100_000) as out:
        begun = next(i for i, item in enumerate(items) if isinstance(item, LinkUp)) + 1
        for item in items[:begun]:
            out.hear(item)
        streams = {kind: inlet(f"hipturn-shin-{kind}") for kind in ("orientation", "angle", "markers")}
        for item in items[begun:]:
            out.hear(item)

        blocks = of(Orientation, items)
        rows, stamps = pulled(streams["orientation"], len(blocks))
        np.testing.assert_allclose(rows, np.concatenate([b.q_earth_from_sensor for b in blocks]), atol=1e-12)
        # the simulated radio delays each packet by the same 8 ms, so the moments are the arrivals'
        shift_s = clock_shift_s(pylsl.local_clock)
        arrivals_s = np.array([int(p.at_ns[-1]) for p in of(Packets, items)]) / 1e9
        np.testing.assert_allclose(stamps - shift_s, arrivals_s, atol=1e-3)
        np.testing.assert_allclose(np.diff(stamps), np.diff(arrivals_s), atol=1e-6)

        angles = of(HipAngle, items)
        rows, angle_stamps = pulled(streams["angle"], len(angles))
        np.testing.assert_allclose(
            [row[0] for row in rows], np.degrees([float(a.angle_rad[0]) for a in angles]), atol=1e-9
        )
        same = dict(zip([int(b.t_ns[0]) for b in blocks], stamps))
        np.testing.assert_allclose(angle_stamps, [same[int(a.t_ns[0])] for a in angles], atol=1e-9)

        wanted = [line for item in items if isinstance(item, Output) and (line := lines.line(item))]
        markers, marker_stamps = pulled(streams["markers"], len(wanted))
        assert [json.loads(row[0]) for row in markers] == json.loads(json.dumps(wanted))
        assert {line["type"] for line in wanted} >= {"rep", "gap", "calibration"}
        ends = [float(line["end_s"] if "end_s" in line else line["t_s"]) for line in wanted]
        offset_s = stamps[0] - blocks[0].t_ns[0] / 1e9
        # one that is only known later is stamped no earlier than those before it
        moments_s = list(itertools.accumulate(ends, max))
        np.testing.assert_allclose(marker_stamps - offset_s, moments_s, atol=1e-3)
    assert (told, out.dropped) == ([], 0)


def test_the_next_session_is_stamped_by_its_own_time() -> None:
    """Its stream time begins at nothing again, on the same outlets: moments are those of its own packets."""
    items = heard()[:1500]
    begun = next(i for i, item in enumerate(items) if isinstance(item, LinkUp)) + 1
    later = [
        replace(item, at_ns=item.at_ns + 100 * NS_PER_S) if isinstance(item, Packets) else item
        for item in items
    ]
    with LslOut(lambda _: None, limit=100_000) as out:
        for item in items[:begun]:
            out.hear(item)
        stream = inlet("hipturn-shin-orientation")
        for item in [*items[begun:], *later]:
            out.hear(item)
        _, stamps = pulled(stream, 2 * len(of(Orientation, items)))
    arrivals_s = np.array([int(p.at_ns[-1]) for p in of(Packets, [*items, *later])]) / 1e9
    np.testing.assert_allclose(stamps - clock_shift_s(pylsl.local_clock), arrivals_s, atol=1e-3)


def test_streams_say_what_they_are() -> None:
    (link,) = of(LinkUp, heard())
    with LslOut(lambda _: None) as out:
        out.hear(link)
        info = inlet("hipturn-shin-angle").info()
        assert (info.type(), info.nominal_srate(), info.channel_count()) == ("Angle", link.info.rate_hz, 4)
        channel = info.desc().child("channels").child("channel")
        assert (channel.child_value("label"), channel.child_value("unit")) == ("angle", "deg")
        assert info.source_id() == "hipturn-simulated-shin-angle"


def test_after_a_reconnect_the_same_streams_go_on() -> None:
    """A recorder that has the stream open must not have to find it again."""
    items = heard()
    (link,) = of(LinkUp, items)
    data = [item for item in items if isinstance(item, Packets | Orientation)]
    with LslOut(lambda _: None) as out:
        out.hear(link)
        opened = inlet("hipturn-shin-orientation")
        for item in [*data[:20], link, *data[20:40]]:
            out.hear(item)
        _, stamps = pulled(opened, 20)
        assert (np.diff(stamps) > 0).all()
