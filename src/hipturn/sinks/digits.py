"""Figures large enough to be read across a room, made of block characters."""

from collections.abc import Mapping

ROWS = 7
"""Lines of a figure: some 6 cm on a laptop, which 3 m away is as large as print held in the hand."""

_SHAPES: Mapping[str, str] = {
    "0": ".###. #...# #...# #...# #...# #...# .###.",
    "1": "..#.. .##.. ..#.. ..#.. ..#.. ..#.. .###.",
    "2": ".###. #...# ....# ..##. .#... #.... #####",
    "3": ".###. #...# ....# ..##. ....# #...# .###.",
    "4": "...#. ..##. .#.#. #..#. ##### ...#. ...#.",
    "5": "##### #.... ####. ....# ....# #...# .###.",
    "6": "..##. .#... #.... ####. #...# #...# .###.",
    "7": "##### ....# ...#. ..#.. ..#.. ..#.. ..#..",
    "8": ".###. #...# #...# .###. #...# #...# .###.",
    "9": ".###. #...# #...# .#### ....# ...#. .##..",
    "-": "..... ..... ..... ##### ..... ..... .....",
    "°": ".##. #..# .##. .... .... .... ....",
    "/": "....# ...#. ...#. ..#.. .#... .#... #....",
    ":": ". . # . # . .",
    " ": ".. .. .. .. .. .. ..",
}

PIXEL = "██"
"""A character is twice as high as wide."""


def large(text: str) -> list[str]:
    """Return the text as `ROWS` lines of one length; what there is no figure for becomes a space."""
    shapes = [_SHAPES.get(sign, _SHAPES[" "]).split() for sign in text]
    rows = [" ".join(shape[row] for shape in shapes) for row in range(ROWS)]
    return ["".join(PIXEL if dot == "#" else "  " for dot in row) for row in rows]


def width(text: str) -> int:
    """Return how many columns the text takes."""
    return len(large(text)[0])
