"""The two halves of a pair as MLflow logs them: models from code, so that a version needs only this package to load."""

from pathlib import Path

#: The files that MLflow copies into a version and runs when it is loaded.
PREPROCESSOR = Path(__file__).with_name("preprocessor_model.py")
MODEL = Path(__file__).with_name("forecast_model.py")
