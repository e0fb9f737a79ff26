"""The spec's table of hyperparameters is what the libraries really take."""

import xgboost
from sklearn.linear_model import Ridge

from groundplan.spec.hyperparameters import HYPERPARAMETERS


def test_xgboost_takes_just_these() -> None:
    assert HYPERPARAMETERS["xgboost"] == set(xgboost.XGBRegressor().get_params()) - {"n_jobs", "callbacks"}


def test_linear_takes_these() -> None:
    assert HYPERPARAMETERS["linear"] <= set(Ridge().get_params())
