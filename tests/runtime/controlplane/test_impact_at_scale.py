"""The impact of one column over 1,000 models, on a real PostgreSQL: the answer is right. How long it took is told."""

import time

from benchmarks.impact import ask, database, write

MODELS = 1000


def test_the_answer_is_right_with_a_thousand_models() -> None:
    with database() as engine:
        write(engine, MODELS)
        begun = time.perf_counter()
        found = ask(engine, "c0")
        took = time.perf_counter() - begun
        nothing = ask(engine, "no such column")
    # Models read views of their own parity, and only the even ones are made of the first column.
    even = {f"big/model/m{n}" for n in range(0, MODELS, 2)}
    assert {id for id in found if "/model/" in id} == even
    assert {id for id in found if "/serving_application/" in id} == {
        f"big/serving_application/m{n}" for n in range(0, MODELS, 2)
    }
    assert {id for id in found if "/feature_view/" in id} == {
        f"big/feature_view/v{n}" for n in range(0, MODELS // 2, 2)
    }
    assert found["big/feature_view/v0"] == {"f0"}
    assert nothing == {}
    print(f"impact of one column over {MODELS} models: {took:.2f} s")
