"""A model that adds its own mark to what its preprocessor passed on, and takes its time to load."""

import time

import numpy as np


class Marked:
    """Answers ``1000 · mark + m``, where m is what the preprocessor put in place of the unknown ``mark`` of a row."""

    def __init__(self, mark, load_seconds):
        self.mark, self.load_seconds = mark, load_seconds

    def __setstate__(self, state):
        """Load slowly, as a large model does: this runs wherever the model is unpickled."""
        time.sleep(state["load_seconds"])
        self.__dict__.update(state)

    def predict(self, matrix):
        """Return a float a row of the matrix (a frame or an array: ``marks__mark``, ``marks__work_ms``)."""
        mark, work_ms = np.asarray(matrix, dtype="float64").T
        time.sleep(work_ms.max() / 1000)
        return 1000.0 * self.mark + mark


def train(matrix, target, hyperparameters):
    """Learn nothing: the mark is declared."""
    return Marked(hyperparameters["mark"], hyperparameters["load_seconds"])
