"""Text for people: it cannot steer a terminal, and one is one."""


def printable(text: str) -> str:
    """Return the text with what could steer a terminal written out: names come from disks and the radio."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def counted(count: int, noun: str) -> str:
    """Return how many there are, in words: 1 gap, 2 gaps."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
