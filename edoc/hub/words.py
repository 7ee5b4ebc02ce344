"""Texts that others wrote, before they are stored or shown: one line, and nothing that steers a terminal."""


def tame(text: str, most: int) -> str:
    """Give at most so many characters; blanks of any kind become spaces, what cannot be printed becomes `?`.

    So no text holds what a database refuses either, such as NUL or half of a pair of surrogates.
    """
    return "".join(
        letter if letter.isprintable() else " " if letter.isspace() else "?" for letter in text[:most]
    )
