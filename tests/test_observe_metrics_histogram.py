from authproxy.observe.metrics.histogram import Counts


def test_an_observation_falls_into_the_first_bucket_whose_bound_it_does_not_pass() -> None:
    counts = Counts((0.1, 1.0))

    assert [0, 0, 1, 1, 2] == [counts.observe(value) for value in (0.0, 0.1, 0.2, 1.0, 1.1)]
    assert [2, 2, 1] == counts.counts
    assert 5 == counts.count
    assert abs(counts.total - 2.4) < 1e-9
    assert "<Counts [5 observations, 2.4 in total]>" == repr(counts)
