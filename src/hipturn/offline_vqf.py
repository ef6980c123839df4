"""VQF with hindsight (``fusion.filter = vqf-offline``): for researchers, over whole recordings only.

offlineVQF (Laidig & Seel 2023, Information Fusion 91:187) runs forwards and backwards. It holds Python's
global lock for as long as that takes, so it works in a process of its own: ``python -m hipturn.offline_vqf``
reads arrays from stdin and writes the orientations to stdout.
"""

import io
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

import numpy as np

from hipturn.core.acausal import Stretch, stretches, with_heading_of
from hipturn.core.fusion import FusionParams, ran
from hipturn.core.pipeline import Decode, Front, Seen
from hipturn.errors import InputError
from hipturn.model import FloatArray, Input, LinkUp, Mark, MarkKind, Orientation, Packets, Samples, StreamInfo


@dataclass(slots=True)
class _Link:
    """What came over one link, and where its orientation stands among the items."""

    info: StreamInfo
    samples: list[Samples] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    calibrated_at: int = 0
    """Rows there were when the last calibration came: the heading is to be the online filter's there."""

    @property
    def rows(self) -> int:
        return sum(len(block.t_ns) for block in self.samples)


def fused(
    inputs: Iterable[Input], params: FusionParams, decoder: Callable[[StreamInfo], Decode]
) -> list[Input | Seen]:
    """Return the inputs with the orientation of their packets in place of these, estimated with hindsight.

    Gaps, trust and the time base are the online filter's. Raises `InputError` if the process fails.
    """
    links: dict[str, _Link] = {}
    done: list[_Link] = []
    items: list[Input | Seen] = []

    def keep(stream: str, samples: Samples) -> None:
        links[stream].samples.append(samples)

    front = Front(replace(params, filter="vqf"), decoder, keep)
    for item in inputs:
        match item:
            case LinkUp():
                links[item.stream] = _Link(item.info)
                done.append(links[item.stream])
            case Mark(kind=MarkKind.CALIBRATION) if item.stream in links:
                links[item.stream].calibrated_at = links[item.stream].rows
        for seen in front.push(item):
            if isinstance(seen, Orientation):
                links[seen.stream].places.append(len(items))
            items.append(seen)
        if not isinstance(item, Packets):
            items.append(item)
    for link in done:
        if link.samples and ran(params.filter, link.info) == "vqf-offline":
            _put(items, link, params)
    return items


def _put(items: list[Input | Seen], link: _Link, params: FusionParams) -> None:
    """Replace the orientation of one link."""
    samples = _joined(link.samples)
    parts = stretches(samples, round(params.max_gap_s * link.info.rate_hz))
    blocks = [block for place in link.places if isinstance(block := items[place], Orientation)]
    online = np.concatenate([block.q_earth_from_sensor for block in blocks])
    found: list[FloatArray] = []
    first = 0
    for part, q in zip(parts, in_another_process(parts, 1.0 / link.info.rate_hz), strict=True):
        real = q[part.real]
        row = min(max(link.calibrated_at - first, 0), len(real) - 1)
        found.append(with_heading_of(real, row, online[first + row]))
        first += len(real)
    smooth = np.concatenate(found)
    first = 0
    for place, block in zip(link.places, blocks, strict=True):
        rows = len(block.t_ns)
        items[place] = replace(block, q_earth_from_sensor=smooth[first : first + rows])
        first += rows


def _joined(blocks: list[Samples]) -> Samples:
    acc = [block.acc_mps2 for block in blocks if block.acc_mps2 is not None]
    gyr = [block.gyr_radps for block in blocks if block.gyr_radps is not None]
    return Samples(
        np.concatenate([block.t_ns for block in blocks]),
        np.concatenate([block.lost_before for block in blocks]),
        np.concatenate(acc),
        np.concatenate(gyr),
        None,
    )


def in_another_process(parts: list[Stretch], period_s: float) -> list[FloatArray]:
    """Return q_earth_from_sensor, shape (m, 4), of each stretch; raise `InputError` in one line."""
    sent = io.BytesIO()
    arrays = {f"{name}{i}": getattr(part, name) for i, part in enumerate(parts) for name in NAMES}
    np.savez(sent, period_s=np.array(period_s), **arrays)
    command = [sys.executable, "-m", "hipturn.offline_vqf"]
    try:
        done = subprocess.run(command, input=sent.getvalue(), capture_output=True, check=False)
    except OSError as error:
        raise _failed(error.strerror or str(error)) from error
    if done.returncode != 0:
        *_, last = done.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"]
        raise _failed(last)
    with np.load(io.BytesIO(done.stdout)) as answer:
        return [answer[f"q{i}"] for i in range(len(parts))]


def _failed(why: str) -> InputError:
    return InputError(f"fusion.filter=vqf-offline failed ({why:.120}): choose vqf")


NAMES = ("gyr_radps", "acc_mps2")


def main() -> None:
    """Answer one request: what the other process runs."""
    from vqf import offlineVQF

    with np.load(io.BytesIO(sys.stdin.buffer.read())) as asked:
        period_s, count = float(asked["period_s"]), (len(asked.files) - 1) // len(NAMES)
        answer = {
            f"q{i}": offlineVQF(
                *(np.ascontiguousarray(asked[f"{name}{i}"], np.float64) for name in NAMES), None, period_s
            )["quat6D"]
            for i in range(count)
        }
    np.savez(sys.stdout.buffer, **answer)


if __name__ == "__main__":
    main()
