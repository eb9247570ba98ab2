import numpy as np
import pytest

from analyzer.base.ranks import order_of


@pytest.mark.parametrize(
    "keys",
    [
        [[], []],
        [[3, 1, 2], [0, 0, 0]],
        [[2, 1, 2, 1], [1, 5, 0, 4]],
    ],
)
def test_columns_are_in_the_order_that_python_gives_their_tuples(keys) -> None:
    columns = list(zip(*keys, strict=True))

    order = order_of(np.array(keys, np.int64))

    assert [columns[i] for i in order.tolist()] == sorted(columns)
