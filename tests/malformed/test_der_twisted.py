"""A share of the long job on tampered CMS; `dertwisting.py` has the rest."""

from dertwisting import MAX_BYTES, MAX_SECONDS, run_many


def test_tampered_signatures_are_refused_broken_or_untouched_where_it_counts() -> None:
    outcome = run_many(seed=11, runs=500)
    assert [finding for finding, _ in outcome.findings] == []
    assert outcome.counts.total() == 500
    assert min(outcome.counts["refused"], outcome.counts["broken"], outcome.counts["intact"]) > 25
    assert outcome.slowest < MAX_SECONDS
    assert outcome.grown < MAX_BYTES
