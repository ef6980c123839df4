"""What viewers are told of a session, as JSON lines."""

from hipturn import lines
from hipturn.coach import Prompt, Show, prompt_line
from hipturn.model import Event, HipAngle, Mark, MarkKind
from hipturn.session import Heard
from hipturn.units import DEG_PER_RAD, NS_PER_S

TOLD_MARKS = (MarkKind.SIDE, MarkKind.COUNT, MarkKind.NOTE)
"""Marks a person would know of; calibration and bias are told by their effect."""


def line(heard: Heard) -> lines.Line | None:
    """Return what viewers are told of it once and for all, None for what they are not told this way."""
    match heard:
        case Prompt():
            return prompt_line(heard)
        case Show():
            return heard.line()
        case Mark() if heard.kind in TOLD_MARKS:
            return {"v": 1, "type": "mark", "kind": heard.kind, "value": dict(heard.value)}
        case _ if isinstance(heard, Event):
            return lines.line(heard)
    return None


def angle(block: HipAngle) -> str:
    """Return the newest angle of a block; written by hand, because it is told sixty times a second."""
    return (
        f'{{"v":1,"type":"angle","stream":"{block.stream}","t_s":{block.t_ns[-1] / NS_PER_S:.3f},'
        f'"angle_deg":{block.angle_rad[-1] * DEG_PER_RAD:.2f},'
        f'"rate_dps":{block.rate_radps[-1] * DEG_PER_RAD:.1f},'
        f'"off_axis_deg":{block.off_axis_rad[-1] * DEG_PER_RAD:.2f},'
        f'"trusted":{"true" if block.trusted[-1] else "false"}}}'
    )
