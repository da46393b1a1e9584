"""`AutoencoderRecommender`: recommendations from sparse rows by an autoencoder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import DTypeLike, NDArray
from scipy.sparse import csr_array
from sklearn.utils.validation import check_is_fitted

from aecore import _core
from aecore._checks.arrays import as_rows, as_target
from aecore._checks.ignored import ignore_labels
from aecore._checks.interactions import (
    as_entries,
    as_interactions,
    centre,
    popularity,
    row_means,
    unit_rows,
    without_zeros,
)
from aecore._checks.naming import named
from aecore._checks.random_state import seed_from
from aecore._checks.rules import check_params, parameter_error
from aecore._files.networks import require
from aecore._problem.layers import dense_layers
from aecore._problem.plan import Plan
from aecore._recommending.base import BaseRecommender, Scorer, blocks, entries, same_rows
from aecore._recommending.outputs import LinearOutputs
from aecore._saving.learned import COUNT, NUMBER, Array, Epochs, Learned, TrainedNetwork
from aecore._training.data import TrainingData
from aecore._training.fitting import Trained, fit_rows
from aecore.layers import AnyLayer
from aecore.network import Network
from aecore.optimizers import Optimizer
from aecore.schedules import Linear

if TYPE_CHECKING:
    from sklearn.utils import Tags
    from typing_extensions import Self

    from aecore.callbacks import Callback


class AutoencoderRecommender(BaseRecommender):
    """Recommend by an autoencoder of sparse rows of a user x item matrix.

    With implicit feedback (what was bought, played, read) the denoising autoencoder with
    multinomial likelihood of [1]_: rows are scaled to length 1, entries are left out at random, and
    the network is to name all of them again,

        J = -1/m sum_i sum_j x_ij log softmax(f(noise(x_i / ||x_i||)))_j
            + lambda/2 sum_l ||W_l||^2

    With `variational` the code is a distribution, Mult-VAE of [1]_: J gains beta times its
    divergence from N(0, I), and ranks are by the mean of the code.

    With explicit ratings AutoRec [2]_: the loss is the squared error of the ratings that are there,
    and what is missing stays out of it. No dense copy of the matrix is made.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=(200,)
        Widths of the encoder's layers, >= 1; the last one is the code, and the decoder mirrors it.
    feedback : {"implicit", "explicit"}, default="implicit"
        Whether entries are counts >= 0 or ratings.
    orientation : {"user", "item"}, default="user"
        Whether the network takes rows, one for each user, or columns, one for each item: the better
        way with ratings (I-AutoRec). It knows the users of `fit` alone then.
    activation : str, default="tanh"
        Activation of the hidden layers, as in `Autoencoder`.
    variational : bool, default=False
        Whether the code is Gaussian, with implicit feedback.
    beta : float, default=0.2
        Weight >= 0 of the divergence of such a code, a sum over units in nats, beside a loss that
        is a sum over the items a user had. Below 1 it ranks better [1]_.
    beta_warmup_epochs : int, default=0
        Epochs >= 0 over which beta rises from 0, linearly.
    input_dropout : float, default=0.5
        In [0, 1): probability that an entry is left out of the input of a training row, anew in
        each epoch; the others are multiplied by 1/(1 - input_dropout).
    weight_decay : float, default=0.0
        lambda >= 0; biases carry none.
    optimizer : str or Optimizer, default="adam"
        As in `Autoencoder`, but for "lbfgs".
    learning_rate : float, default=None
        Step size > 0. None means the optimizer's.
    learning_rate_schedule : str or callable, default=None
        As in `Autoencoder`.
    batch_size : int, default=500
        Rows per update, >= 1.
    n_epochs : int, default=100
        Passes over the rows, >= 1.
    callbacks : object or sequence of objects, default=None
        As in `Autoencoder`; `state.estimator` is the `Autoencoder` or
        `VariationalAutoencoder` inside.
    dtype : {"float32", "float64"}, default="float32"
        Type of the computation.
    n_threads : int, default=None
        Threads, >= 1. None takes what OpenMP, the CPU affinity and the control group allow. The
        result has the same bits for every number.
    random_state : int, RandomState, Generator, SeedSequence or None, default=None
        Where initial weights, the order of rows and the noise are drawn from.
    verbose : {0, 1}, default=0
        1 shows a progress bar.

    Attributes
    ----------
    network_ : Network
        The trained network. It takes rows of length 1, or ratings without the mean of their row.
    history_ : dict of str to list of float
        As in `Autoencoder`; with `variational` as in `VariationalAutoencoder`.
    popularity_ : ndarray of shape (n_items,), float32
        Users who had each item, or rated it.
    item_factors_ : ndarray of shape (n_items, n_factors)
        Weights of the output (orientation "user") or codes (orientation "item") of the items, which
        `similar_items` compares.
    mean_rating_, min_rating_, max_rating_ : float
        Of all ratings, with explicit feedback.
    n_users_, n_features_in_ : int
        Number of users and of items.
    feature_names_in_ : ndarray of shape (n_items,)
        Names of the items, only where `aecore fit` has read them from a file.

    See Also
    --------
    EASE : The same interface; linear, in closed form.

    Notes
    -----
    Scores of implicit feedback are what goes into the softmax: logarithms of probabilities but for
    a number that is the same for all items of a user. Scores of ratings are ratings.

    Ratings are learned as differences from the mean of their row, in which five more ratings of
    `mean_rating_` are counted.

    References
    ----------
    .. [1] D. Liang, R. G. Krishnan, M. D. Hoffman, T. Jebara. Variational autoencoders for
       collaborative filtering. WWW 2018: Mult-DAE and Mult-VAE.
    .. [2] S. Sedhain, A. K. Menon, S. Sanner, L. Xie. AutoRec: autoencoders meet collaborative
       filtering. WWW 2015.

    Examples
    --------
    >>> import numpy as np
    >>> from aecore import AutoencoderRecommender
    >>> user_items = np.array([[1, 1, 0, 0], [1, 1, 1, 0], [0, 1, 1, 0], [0, 0, 1, 1]])
    >>> model = AutoencoderRecommender((2,), n_epochs=5, random_state=0).fit(user_items)
    >>> ids, scores = model.recommend([1, 0, 0, 0], n=2)
    >>> ids.shape
    (1, 2)
    """

    network_: Network
    _learned: ClassVar[dict[str, Learned]] = {
        "n_users_": COUNT,
        "network_": TrainedNetwork(),
        "_history": Epochs(),
        "mean_rating_": NUMBER,
        "min_rating_": NUMBER,
        "max_rating_": NUMBER,
        "item_codes_": Array("n_features_in_", None),
    }
    _always_learned = ("n_users_", "network_")

    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] = (200,),
        *,
        feedback: str = "implicit",
        orientation: str = "user",
        activation: str = "tanh",
        variational: bool = False,
        beta: float = 0.2,
        beta_warmup_epochs: int = 0,
        input_dropout: float = 0.5,
        weight_decay: float = 0.0,
        optimizer: str | Optimizer = "adam",
        learning_rate: float | None = None,
        learning_rate_schedule: str | Callable[..., float] | None = None,
        batch_size: int = 500,
        n_epochs: int = 100,
        callbacks: Callback | Sequence[Callback] | None = None,
        dtype: DTypeLike = "float32",
        n_threads: int | None = None,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.feedback = feedback
        self.orientation = orientation
        self.activation = activation
        self.variational = variational
        self.beta = beta
        self.beta_warmup_epochs = beta_warmup_epochs
        self.input_dropout = input_dropout
        self.weight_decay = weight_decay
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.learning_rate_schedule = learning_rate_schedule
        self.batch_size = batch_size
        self.n_epochs = n_epochs
        self.callbacks = callbacks
        self.dtype = dtype
        self.n_threads = n_threads
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, user_items: Any, y: Any = None) -> Self:
        """Train on who had what.

        Parameters
        ----------
        user_items : sparse matrix or array of shape (n_users, n_items)
            Counts >= 0, or ratings; what has no entry was not had, or not rated.
        y : None
            Ignored, present for scikit-learn's sake, with a warning where it has the shape of
            `user_items`.

        Returns
        -------
        self : AutoencoderRecommender

        Raises
        ------
        ValueError
            If a parameter breaks its rule, or `user_items` is not a valid matrix of finite numbers,
            >= 0 for implicit feedback.
        TypeError
            If it does not hold real numbers.
        TrainingDivergedError
            If the loss or a weight stops being finite.
        RuntimeError
            If another thread is training this estimator, or a callback of this call fits it again.
        """
        ignore_labels(y, user_items)
        with self._exclusive():
            self._check_settings()
            X = as_interactions(user_items, "user_items").astype(self.dtype, copy=False)
            if self.feedback == "implicit":
                X = without_zeros(X)
            elif X.nnz == 0:
                msg = "user_items must hold at least one rating; got none"
                raise ValueError(msg)
            learned: dict[str, Any] = {
                "popularity_": popularity(X),
                "n_users_": X.shape[0],
                "n_features_in_": X.shape[1],
            }
            fitted = self._fit_ratings(X) if self.feedback == "explicit" else self._fit_counts(X)
            self._publish(learned | fitted)
        return self

    def predict(self, user_items: Any, at: Any) -> csr_array:
        """Predict ratings, or scores of implicit feedback, of some items for some users.

        Parameters
        ----------
        user_items : sparse matrix or array of shape (n_users, n_items)
            As in `recommend`.
        at : sparse matrix or array of shape (n_users, n_items)
            Its entries are what is asked for, whatever their numbers.

        Returns
        -------
        csr_array of shape (n_users, n_items)
            The entries of `at` in its order, of `dtype`. Ratings are within `min_rating_` and
            `max_rating_`.

        Raises
        ------
        NotFittedError, ValueError, TypeError
            As in `recommend`.
        """
        check_is_fitted(self, "network_")
        rows = self._had(user_items, "user_items")
        asked = same_rows(as_entries(at, "at", self._n_items), rows, "at")
        score = self._scorer(rows)
        found = np.empty(asked.nnz, self.network_.dtype)
        for part in blocks(*rows.shape):
            of_part = slice(asked.indptr[part.start], asked.indptr[part.stop])
            counts = np.diff(asked.indptr[part.start : part.stop + 1])
            where = np.repeat(np.arange(len(counts)), counts)
            found[of_part] = score(part)[where, asked.indices[of_part]]
        if self._rates:
            found.clip(self.min_rating_, self.max_rating_, out=found)
        return csr_array((found, asked.indices, asked.indptr), shape=asked.shape)

    def similar_users(
        self, user_items: Any, among: Any, n: int = 10
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Find the users whose codes point in the most similar direction.

        Parameters
        ----------
        user_items : sparse matrix or array of shape (n_users, n_items)
            Rows of users, known or not.
        among : sparse matrix or array of shape (n_others, n_items)
            Rows of the users to choose from.
        n : int, default=10
            Neighbours of each, >= 1. A user who is in both is their own nearest neighbour.

        Returns
        -------
        ids : ndarray of shape (n_users, n), int32
            Rows of `among`, the nearest first; -1 where none is left.
        scores : ndarray of shape (n_users, n), float32
            Cosines of their codes; -inf beside -1.

        Raises
        ------
        NotFittedError, ValueError, TypeError
            As in `recommend`; ValueError also with orientation "item", which has no codes of users.
        """
        check_is_fitted(self, "network_")
        check_params({"n": n})
        if self._reads_items:
            rule = "be 'user' for similar_users: codes are those of items otherwise"
            raise parameter_error("orientation", rule, "item")
        codes, others = (
            _unit(self.network_.encode(self._entering(rows)[0]))
            for rows in (
                self._had(user_items, "user_items"),
                self._had(among, "among"),
            )
        )
        ids = np.empty((len(codes), n), np.int32)
        cosines = np.empty((len(codes), n), np.float32)
        for part in blocks(len(codes), len(others)):
            _core.top_n(
                codes[part] @ others.T, ids[part], cosines[part], n_threads=self._core_threads
            )
        return ids, cosines

    def _had(self, values: Any, name: str) -> csr_array:
        if self._rates:  # 0 may be one
            return as_interactions(values, name, self._n_items)
        return super()._had(values, name)

    def _check_settings(self) -> None:
        check_params(self.get_params())
        if self.orientation == "item" and self.feedback == "implicit":
            rule = "be 'user' with feedback 'implicit'"
            raise parameter_error("orientation", rule, self.orientation)
        if self.variational and self.feedback == "explicit":
            rule = "be False with feedback 'explicit'"
            raise parameter_error("variational", rule, self.variational)

    def _make_layers(self, n_features: int, n_outputs: int) -> tuple[list[AnyLayer], int]:
        """Make the layers of the network, and say which is the code."""
        del n_features
        code = "gaussian" if self.variational else None
        output = "softmax" if self.feedback == "implicit" else "identity"
        activations = (self.activation, code, output)
        return dense_layers(self.hidden_layer_sizes, None, n_outputs, activations)

    def _facts(self) -> dict[str, Any]:
        """What the Plan has to know and no parameter says by its name there."""
        warms_up = self.variational and self.beta_warmup_epochs > 0
        return {
            "loss": "multinomial" if self.feedback == "implicit" else "squared_error",
            # What is missing from ratings stays out of the loss.
            "observed_only": self.feedback == "explicit",
            "noise": "masking" if self.input_dropout > 0 else None,
            "noise_level": self.input_dropout,
            "beta_schedule": Linear(self.beta_warmup_epochs) if warms_up else None,
        }

    def _train(self, entering: csr_array, target: csr_array) -> Trained:
        """Train on rows that keep their size, on average, when entries are left out."""
        numbers = entering.data / entering.dtype.type(1.0 - self.input_dropout)
        scaled = csr_array((numbers, entering.indices, entering.indptr), shape=entering.shape)
        width = scaled.shape[1]
        plan = Plan.of(self, width, width, seed_from(self.random_state))
        rows = as_rows(scaled, width, "user_items")
        data = TrainingData(rows, as_target(target, rows.shape[0], width), None)
        with named({"X": "user_items", "target": "user_items"}):
            return fit_rows(plan, data, owner=self)

    def _fit_counts(self, X: csr_array) -> dict[str, Any]:
        trained = self._train(unit_rows(X), X)
        return {"network_": trained.network, "_history": trained.history}

    def _fit_ratings(self, X: csr_array) -> dict[str, Any]:
        mean = float(X.data.mean(dtype=np.float64))
        rows = X.T.tocsr() if self.orientation == "item" else X
        centred = centre(rows, row_means(rows, mean))
        trained = self._train(centred, centred)
        learned = {
            "mean_rating_": mean,
            "min_rating_": float(X.data.min()),
            "max_rating_": float(X.data.max()),
            "network_": trained.network,
            "_history": trained.history,
        }
        if self.orientation == "item":
            learned["item_codes_"] = trained.network.encode(centred)
        return learned

    @classmethod
    def _check_learned(cls, learned: Mapping[str, Any]) -> None:
        super()._check_learned(learned)
        ratings = [f"{name}_rating_" in learned for name in ("mean", "min", "max")]
        require("ratings", len(set(ratings)) == 1, "have mean, min and max", "some of them")
        if "network_" in learned:
            # With orientation "item" the network reads columns, which have a number for each user.
            name = "n_users_" if "item_codes_" in learned else "n_features_in_"
            n_in = learned["network_"].layer_sizes[0]
            require(name, learned[name] == n_in, f"be {n_in}, as in the network", learned[name])

    # What it has learned, whatever parameters say that were set since.
    @property
    def _rates(self) -> bool:
        return "mean_rating_" in vars(self)

    @property
    def _reads_items(self) -> bool:
        return "item_codes_" in vars(self)

    @property
    def item_factors_(self) -> NDArray[Any]:
        """What `similar_items` compares; see the class."""
        check_is_fitted(self, "network_")
        by_item = self._reads_items
        factors: NDArray[Any] = self.item_codes_ if by_item else self.network_.weights[-1].T
        return factors

    @property
    def history_(self) -> dict[str, list[float]]:
        """Numbers of the epochs; see the class."""
        check_is_fitted(self, "network_")
        return dict(self._history)

    def _entering(self, given: csr_array) -> tuple[csr_array, NDArray[Any] | None]:
        """Make what the network reads of rows; with ratings also return the mean of each row."""
        rows = given.astype(self.dtype, copy=False)
        if not self._rates:
            return unit_rows(rows), None
        means = row_means(rows, self.mean_rating_)
        return centre(rows, means), means

    def _top_n(
        self,
        rows: csr_array,
        excluded: csr_array | None,
        allowed: NDArray[np.uint8] | None,
        ids: NDArray[np.int32],
        scores: NDArray[np.float32],
    ) -> None:
        if self._reads_items:
            super()._top_n(rows, excluded, allowed, ids, scores)
            return
        outputs = LinearOutputs(self.network_)
        entering, means = self._entering(rows)
        for part in blocks(rows.shape[0], outputs.n_hidden):
            outputs.top_n(
                entering[part],
                ids[part],
                scores[part],
                excluded=entries(excluded, part),
                allowed=allowed,
                n_threads=self._core_threads,
            )
        if means is not None:
            scores += means[:, None]
        strangers = np.flatnonzero(np.diff(rows.indptr) == 0)
        if strangers.size > 0:
            of_few = ids[strangers], scores[strangers]
            few = None if excluded is None else excluded[strangers]
            super()._top_n(rows[strangers], few, allowed, *of_few)
            ids[strangers], scores[strangers] = of_few

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = self.feedback == "implicit"
        return tags

    def _scorer(self, rows: csr_array) -> Scorer:
        if self._reads_items:
            return self._score_by_items(rows)
        entering, means = self._entering(rows)
        outputs = LinearOutputs(self.network_)

        def score(part: slice) -> NDArray[Any]:
            scores = outputs.scores(entering[part])
            if means is not None:
                scores += means[part, None]
            return scores

        return score

    def _score_by_items(self, rows: csr_array) -> Scorer:
        """All items enter the network once; then its output is had a few users at a time."""
        if rows.shape[0] != self.n_users_:
            msg = (
                f"user_items must have the {self.n_users_} users of fit with orientation 'item', "
                f"which knows no others; got {rows.shape[0]} rows. Take orientation 'user' for them"
            )
            raise ValueError(msg)
        entering, means = self._entering(rows.T.tocsr())
        network = self.network_
        hidden = LinearOutputs(network).hidden(entering)
        weights, bias = network.weights[-1], network.biases[-1]

        def score(part: slice) -> NDArray[Any]:
            scores: NDArray[Any] = weights[:, part].T @ hidden.T
            scores += bias[part, None]
            scores += means
            return scores

        return score

    def _similarities(self, ids: NDArray[np.int64]) -> NDArray[Any]:
        factors = _unit(self.item_factors_)
        cosines: NDArray[Any] = factors[ids] @ factors.T
        return cosines


def _unit(rows: NDArray[Any]) -> NDArray[Any]:
    """Rows of length 1, or 0."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: NDArray[Any] = rows / np.where(lengths > 0, lengths, 1)
    return unit
