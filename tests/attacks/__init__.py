"""Attacks on signed PDFs, made by code, and the later changes that are no attacks.

    python -m tests.attacks                 every class on every base, as a table
    python -m tests.attacks evil-annotation one class

Every file is a really signed document to which somebody else did something afterwards. The classes are those
of the literature (universal signature forgery, incremental saving and signature wrapping, 2019; shadow
attacks, 2021; evil annotation and sneaky signature, 2021) and our own, which aim at this verification.
"""
