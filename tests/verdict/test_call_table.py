"""A table has a row for each call."""

import numpy as np

from analyzer.protocol.facts import Conversation
from analyzer.verdict.call_table import CallTable


def test_a_table_is_as_long_as_its_columns() -> None:
    own = {"talks": (Conversation("tcp"),), "said": (None,), "targets": ("/",)}
    columns = {name: np.zeros(3, np.int64) for name in CallTable.__struct_fields__ if name not in own}

    assert len(CallTable(**own, **columns)) == 3
