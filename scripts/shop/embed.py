"""The broker's button: the file that the shop's pages take in, and the digest that their browsers hold it to."""

from dataclasses import dataclass

PATH = "/embed.js"
#: Of the file that the shop was tried with; a browser runs no other, and the form inside the button does the work then.
DIGEST = "sha384-Lm9+cNuSgrB9FBbM0IYhGsTntl+5+D24Z/Bw0zuh2BmJ6iQ3+pgd+UiR2rKT3fyj"


@dataclass(frozen=True, kw_only=True)
class Button:
    """What a page writes to take the button in."""

    address: str
    digest: str


def button(issuer: str) -> Button:
    """Return the button of one broker."""
    return Button(address=issuer + PATH, digest=DIGEST)
