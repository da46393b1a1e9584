"""Documents of 20 newsgroups, and how well the words of a cluster of documents go together.

The words of a cluster are the ten with the largest mean TF-IDF over its documents, and a cluster is
as good as they go together: the mean over their pairs of

    NPMI(a, b) = log(p(a, b) / (p(a) p(b))) / -log p(a, b)

with shares of these documents that have the words (G. Bouma, GSCL 2009; J. H. Lau, D. Newman,
T. Baldwin, EACL 2014), and -1 for a pair that no document has.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.feature_extraction.text import TfidfTransformer

from benchmarks.quality.common import data_folder

_N_WORDS = 10


def load_tfidf(n_documents: int | None = None) -> csr_array:
    """TF-IDF rows of norm 1, of documents of the training part that are not empty."""
    folder = data_folder("20news-bow2000")
    words = (folder / "vocab.txt").read_text().split()
    with np.load(folder / "20news_bow2000.npz") as data:
        indptr = data["train_indptr"]
        counts, columns = data["train_data"].astype(np.float32), data["train_indices"]
    X = csr_array((counts, columns.astype(np.int32), indptr), shape=(len(indptr) - 1, len(words)))
    some = np.flatnonzero(np.diff(indptr))[:n_documents]
    return csr_array(TfidfTransformer().fit_transform(X[some]))


class Coherence:
    """NPMI of words by the documents that share them."""

    def __init__(self, tfidf: csr_array) -> None:
        there = (tfidf > 0).astype(np.float64)
        self._p = np.asarray(there.mean(axis=0)).ravel()
        self._joint = (there.T @ there).toarray() / tfidf.shape[0]
        self._tfidf = tfidf

    def top(self, labels: NDArray[np.int64]) -> list[NDArray[np.int64]]:
        """The words of each cluster, the first one first in a tie."""
        means = (self._tfidf[labels == k].mean(axis=0) for k in np.unique(labels))
        return [np.argsort(-np.asarray(m).ravel(), kind="stable")[:_N_WORDS] for m in means]

    def npmi(self, labels: NDArray[np.int64]) -> float:
        """Mean over clusters of the mean over pairs of their words."""
        return float(np.mean([self._of_words(words) for words in self.top(labels)]))

    def _of_words(self, words: NDArray[np.int64]) -> float:
        pairs: Any = list(itertools.combinations(words, 2))
        joint = np.array([self._joint[pair] for pair in pairs])
        apart = np.array([self._p[a] * self._p[b] for a, b in pairs])
        seen = np.where(joint > 0, joint, 0.5)
        return float(np.mean(np.where(joint > 0, np.log(seen / apart) / -np.log(seen), -1.0)))
