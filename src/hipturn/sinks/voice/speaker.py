"""Who speaks: this computer, one page, or nobody. Never two at once. Pure."""

from typing import Literal

Where = Literal["page", "machine", "off"]
Chosen = Literal["page", "machine", "off", "auto"]


class Speaker:
    """Who speaks now. `auto` is this computer where it can be heard, and the page otherwise."""

    def __init__(self, chosen: Chosen, audible: bool) -> None:
        """Begin as the settings say; `audible` tells whether this computer can make sounds."""
        self._auto = chosen == "auto"
        self.where: Where = ("machine" if audible else "page") if chosen == "auto" else chosen
        self.page: str | None = None
        """The page that speaks, where one was named."""

    def choose(self, where: Where, page: str | None = None) -> None:
        """Follow a person: that holds until they say otherwise."""
        self._auto = False
        self.where, self.page = where, page if where == "page" else None

    def failed(self) -> bool:
        """Hear that this computer cannot be heard; return whether the page speaks instead."""
        if self._auto and self.where == "machine":
            self.where = "page"
            return True
        return False

    def gone(self, page: str | None) -> bool:
        """Hear that a page is gone; return whether it was the one that speaks, and none does now."""
        if page is None or self.page != page:
            return False
        self.page = None
        return True

    def line(self) -> dict[str, str | None]:
        """Return it for viewers."""
        return {"where": self.where, "page": self.page}
