import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.base.kernel import run_kernel
from analyzer.base.ranks import order_by_number, order_of, sort_by_counting, stable_order


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


def bounds_of(column: np.ndarray) -> np.ndarray:
    counts = np.bincount(column[column >= 0], minlength=5)
    return np.append(0, np.cumsum(counts))


@given(numbers=st.lists(st.integers(-1, 4), max_size=40))
@settings(max_examples=50, deadline=None)
def test_indices_are_given_by_number_and_those_of_none_left_out(numbers) -> None:
    column = np.array(numbers, np.int64)

    order = order_by_number(column, bounds_of(column)).tolist()

    assert order == sorted((i for i, number in enumerate(numbers) if number >= 0), key=lambda i: numbers[i])


@given(numbers=st.lists(st.integers(-1, 4), max_size=40))
@settings(max_examples=50, deadline=None)
def test_compiled_or_not_counting_gives_the_same_order(numbers) -> None:
    column = np.array(numbers, np.int64)
    starts = bounds_of(column)
    orders = []
    for compile_rows in (0, 1):
        order = np.empty(int(starts[-1]), np.int64)
        run_kernel(sort_by_counting, 0, column, starts[:-1].copy(), order, compile_rows=compile_rows)
        orders.append(order.tolist())

    assert orders == [order_by_number(column, starts).tolist()] * 2
