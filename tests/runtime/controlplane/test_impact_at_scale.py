"""The impact of one column over 1,000 models, on a real PostgreSQL: the answer is right. How long it took is told."""

import time

import pytest
from benchmarks.impact import ask, database, declare, write

MODELS = 1000


@pytest.mark.slow
def test_the_answer_is_right_with_a_thousand_models() -> None:
    with database() as engine:
        write(engine, MODELS)
        declare(engine, MODELS)
        begun = time.perf_counter()
        found = ask(engine, "raw.c0")
        took = time.perf_counter() - begun
        odd = ask(engine, "v1.f0")
    # Models read views of their own parity, and only the even ones are made of the first column.
    for kind, slug in (("models", "model"), ("applications", "serving_application")):
        assert set(found["touched"][kind]) == {f"big/{slug}/m{n}" for n in range(0, MODELS, 2)}
    assert set(found["touched"]["feature_views"]) == {f"big/feature_view/v{n}" for n in range(0, MODELS // 2, 2)}
    assert found["now"]["big/serving_application/m0"]["serves"] == 1
    assert found["teams"] == {"core": {"owners": ["ana@example.org"], "projects": ["big"]}}
    assert "big/model/m1" in odd["touched"]["models"]
    assert "big/model/m0" not in odd["touched"]["models"]
    print(f"impact of one column over {MODELS} models: {took:.2f} s")
