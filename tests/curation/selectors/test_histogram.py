from hypothesis import given
from hypothesis import strategies as st

from curation.selectors.histogram import bucket_of, merge, quantile, upper_edge


@given(st.floats(0.02, 600_000))
def test_a_latency_lies_inside_its_bucket(ms: float) -> None:
    bucket = bucket_of(ms)
    assert upper_edge(bucket - 1) * 0.999 < ms <= upper_edge(bucket) * 1.001


@given(st.lists(st.floats(0.02, 60_000), min_size=1), st.sampled_from([0.5, 0.9, 0.99]))
def test_a_quantile_is_within_three_percent_of_the_true_one(values: list[float], q: float) -> None:
    counts = merge({str(bucket_of(value)): 1} for value in values)
    ordered = sorted(values)
    exact = next(value for rank, value in enumerate(ordered, 1) if rank >= q * len(ordered))
    found = quantile(counts, q)
    assert found is not None
    assert abs(found / exact - 1) < 0.03


def test_an_empty_histogram_has_no_quantile() -> None:
    assert quantile({}, 0.5) is None


def test_latencies_of_no_length_fall_in_the_first_bucket() -> None:
    assert bucket_of(0) == bucket_of(-1) == 0


def test_sums_keep_every_count() -> None:
    assert merge([{"3": 2, "5": 1}, {"5": 4}]) == {3: 2, 5: 5}
