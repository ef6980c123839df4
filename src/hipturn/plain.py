"""Text that cannot steer a terminal."""


def printable(text: str) -> str:
    """Return the text with what could steer a terminal written out: names come from disks and the radio."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
