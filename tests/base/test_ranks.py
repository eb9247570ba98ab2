import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.base.ranks import order_of, stable_order


@given(columns=st.lists(st.tuples(*[st.integers(-2, 2)] * 3), max_size=20))
@settings(max_examples=50, deadline=None)
def test_columns_are_in_the_order_that_python_gives_their_tuples(columns) -> None:
    order = order_of(np.array(columns, np.int64).reshape(-1, 3).T)

    assert [columns[i] for i in order.tolist()] == sorted(columns)


@given(numbers=st.lists(st.sampled_from([0, 1, 2, 65_535, 65_536, 65_537, 1 << 32, (1 << 40) + 1]), max_size=40))
@settings(max_examples=50, deadline=None)
def test_the_stable_order_is_that_of_a_stable_sort(numbers) -> None:
    column = np.array(numbers, np.int64)

    assert stable_order(column).tolist() == np.argsort(column, kind="stable").tolist()
