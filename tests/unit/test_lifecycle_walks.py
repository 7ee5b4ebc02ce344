"""Random lives of one document: see `living`. `./dev fuzz lifecycle 10000` takes more of them."""

from living import walk


def test_both_sides_agree_whatever_happens_in_whatever_order() -> None:
    walk(300)
