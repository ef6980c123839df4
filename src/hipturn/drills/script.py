"""What a session of a drill will say, to read beforehand."""

from hipturn.coach import words
from hipturn.coach.drill import Drill
from hipturn.model import Direction, Side


def script(drill: Drill, side: Side, language: str = "en") -> list[str]:
    """Return the spoken script of a drill where all goes well, a line each."""

    def text(key: str, **values: object) -> str:
        return words.text(language, key, **values)

    said = drill.said(language)
    lines = [said.title, said.about, said.safety] if said.safety else [said.title, said.about]
    lines.append("")
    if drill.kind in ("test", "stretch"):
        lines.append(text("question.warm"))
    if drill.zero == "gravity":
        lines.append(text("stand"))
    lines.append(text("setup", title=said.title, side=text(side.value), setup=said.setup))
    if drill.measured:
        lines += [text("hold", still=words.still(language, drill.position)), text("rotations", n=3)]
    ways = {Direction.INTERNAL: said.internal, Direction.EXTERNAL: said.external}
    match drill.kind:
        case "test":
            for way in drill.directions:
                lines.append(f"{drill.reps} × {text('trial.go', move=ways[way])} – {text('trial.back')}")
        case "drill":
            for n in range(1, drill.sets + 1):
                move = said.internal if len(drill.directions) == 1 else f"{said.internal} / {said.external}"
                lines.append(text("reps.begin", set=n, sets=drill.sets, n=drill.reps, move=move))
                if n == 1 and drill.demonstrate:
                    lines += [text("demonstrate", n=drill.demonstrate), text("reference")]
                if n < drill.sets:
                    lines.append(text("rest.taps", seconds=f"{drill.rest_s:.0f}"))
        case "stretch":
            lines.append(f"{drill.reps} × {text('stretch.go', move=said.internal)} – {drill.hold_s:.0f} s")
        case "roll-out":
            lines.append(f"{drill.reps} × {text('roll', move=said.internal, seconds=f'{drill.hold_s:.0f}')}")
    if drill.kind != "roll-out":
        lines.append(text("question.pain"))
    return lines
