"""A fitted detector with the attributes and methods of PyOD's."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


class PyODView:
    """A fitted detector as PyOD has them: high scores are odd, and odd rows are 1.

    Parameters
    ----------
    detector : AutoencoderOutlierDetector
        Fitted; what becomes of it later shows here too.

    References
    ----------
    Y. Zhao, Z. Nasrullah, Z. Li. PyOD: a Python toolbox for scalable outlier detection. JMLR 20,
    2019.
    """

    def __init__(self, detector: Any) -> None:
        self.detector = detector

    @property
    def decision_scores_(self) -> NDArray[np.float64]:
        """Errors of the training rows, of shape (n_samples,)."""
        scores: NDArray[np.float64] = self.detector.train_scores_
        return -scores

    @property
    def threshold_(self) -> float:
        """The error above which a row is odd."""
        return -float(self.detector.offset_)

    @property
    def labels_(self) -> NDArray[np.int64]:
        """1 for odd training rows, 0 for the others."""
        return np.where(self.decision_scores_ > self.threshold_, 1, 0)

    @property
    def contamination(self) -> float:
        """Share of odd rows: the parameter, or that of `labels_` where nothing else says it."""
        asked = self.detector.contamination
        if isinstance(asked, str) or self.detector.threshold != "quantile":
            return float(self.labels_.mean())
        return float(asked)

    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:
        """Compute the errors of rows, minus `score_samples`."""
        scores: NDArray[np.float64] = self.detector.score_samples(X)
        return -scores

    def predict(self, X: ArrayLike) -> NDArray[np.int64]:
        """Say 1 for odd rows and 0 for the others."""
        return np.where(self.detector.predict(X) == -1, 1, 0)

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return 1 - p and p, of shape (n_samples, 2), with p from `odd_probability`."""
        odd: NDArray[np.float64] = self.detector.odd_probability(X)
        return np.stack([1.0 - odd, odd], axis=1)

    def fit(self, X: ArrayLike, y: Any = None) -> PyODView:
        """Fit the detector anew."""
        self.detector.fit(X, y)
        return self
