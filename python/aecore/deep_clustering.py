"""`DeepClustering`: clusters of an autoencoder's codes, and codes that are trained to cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray
from sklearn.base import ClusterMixin, clone
from sklearn.utils.validation import check_is_fitted

from aecore._checks.ignored import ignore_labels
from aecore._checks.random_state import seed_from
from aecore._checks.rules import check_params, parameter_error
from aecore._checks.subclasses import refuse_overrides
from aecore._clusters import clusterers, recipe
from aecore._clusters.clusterers import Clustered
from aecore._clusters.codes import standardize_code
from aecore._clusters.figures import clustering_figures
from aecore._clusters.rules import (
    full_precisions,
    of_mixture,
    of_nearest_center,
    of_nearest_row,
    soft_assignment,
)
from aecore._clusters.training import Refined, Refinement, clustering_weight, refine
from aecore._estimators.base import BaseEncoder
from aecore._files.networks import require
from aecore._history import History
from aecore._problem.input import Input
from aecore._problem.objective import Objective
from aecore._problem.plan import Optimization, Plan, Run, as_callbacks
from aecore._saving.learned import COUNT, SCORES, Array, InPickles, Learned
from aecore.autoencoder import Autoencoder
from aecore.network import Network
from aecore.optimizers import LBFGS, AdamW, Optimizer, _as_optimizer

if TYPE_CHECKING:
    from typing_extensions import Self

    from aecore.callbacks import Callback


class DeepClustering(ClusterMixin, BaseEncoder):  # type: ignore[misc]
    """Cluster rows by their codes: an autoencoder, any clusterer of scikit-learn, and DEC or IDEC.

    `fit` trains an autoencoder, clusters the codes, and may then refine codes and clusters
    together: with centres mu_j and Student's t as similarity, the soft assignments

        q_ij = u_ij / sum_j' u_ij',   u_ij = 1 / (1 + ||z_i - mu_j||^2)

    are drawn to a sharper distribution p, p_ij in proportion to q_ij^2 / sum_i q_ij, by

        J = loss + gamma 1/m sum_i sum_j p_ij log(p_ij / q_ij)

    whose gradient goes into the encoder and the centres. In DEC [1]_ there is no loss and the
    decoder stays as it is; IDEC [2]_ keeps the reconstruction loss. p is taken anew from all rows
    in each round of training, until hardly a row changes its cluster.

    Parameters
    ----------
    n_clusters : int or "auto", default=None
        How many clusters, from 1 to the number of rows. "auto" takes the number of
        `n_clusters_range` with the best silhouette of the codes before refinement, the smaller one
        in a tie, over 10,000 rows drawn. None is 8 for a name, and its own number for an object.
        "dbscan", "hdbscan" and objects without `n_clusters` or `n_components` (of a pipeline: its
        last step) find theirs by themselves; a ConvergenceWarning says when that is another.
    autoencoder : Autoencoder, default=None
        What is trained first; None is one recipe for all rows: ``Autoencoder((500, 500, 2000, 10),
        code_activation="identity", initialization="fan_in_uniform", scale="pooled")``, of sparse X
        with the factor of that scale as `input_scale` instead, as the means would fill it: they are
        the output's biases at the start; in batches of a twentieth of the rows, 16 to 256; for 50
        epochs, or those of the first 11,000 updates. It lends all but `callbacks`, `dtype`,
        `n_threads`, `random_state` and `verbose`, which are those of this estimator; it is not
        fitted itself.
    clusterer : str or clusterer, default=None
        None is "gaussian_mixture" for a `refinement` to begin with, and "kmeans" without one.
        "kmeans" and "minibatch_kmeans" (20 starts), "gaussian_mixture" (10 starts, and 300
        iterations at most), "agglomerative", "dbscan" (eps such that 9 of 10 rows are core samples)
        or "hdbscan", with the settings of scikit-learn otherwise; or an object of its kind, which
        is cloned.
    refinement : {"dec", "idec"}, default=None
        How codes and clusters are refined; None does not. It begins with the clusterer's centres,
        or the mean code of each cluster, and is left out where there are fewer than two. Every row
        then belongs to the nearest centre, noise too.
    clustering_weight : float, default=None
        gamma >= 0; None is 1 for "dec", and for "idec" 0.05 times the number of features: its
        authors' 0.1, as they take the mean over features of twice this loss.
    optimizer : str or Optimizer, default="adam"
        Of the refinement, as in `Autoencoder`, but not "lbfgs".
    learning_rate : float, default=1e-4
        Of the refinement, a tenth of Adam's own: with larger ones rows stop changing their cluster
        before the clusters are good. None is the optimiser's own, as in `Autoencoder`.
    batch_size : int, default=256
        Of the refinement.
    update_interval : int, default=None
        Batches in a round; None is one pass over the rows.
    n_updates : int, default=100
        Rounds, at most.
    tolerance : float, default=1e-3
        Refinement ends with a round in which a smaller share of the rows changed their cluster.
    n_clusters_range : (int, int), default=(2, 10)
        Smallest and largest number for "auto", both tried.
    callbacks : callback or sequence of them, default=None
        Objects with ``on_epoch_end(state)``, see `aecore.callbacks`: told of every epoch of the
        autoencoder, and then of every round as if it was one, with this estimator.
    dtype : {"float32", "float64"}, default="float32"
        Type of computation and of codes.
    n_threads : int, default=None
        As in `Autoencoder`; results do not depend on it. The clusterer runs on one.
    random_state : int, RandomState, Generator or SeedSequence, default=None
        Determines everything drawn; a clusterer's own seed, where it has one, stays.
    verbose : {0, 1}, default=0
        1 shows progress bars.

    Attributes
    ----------
    labels_ : ndarray of shape (n_samples,), int64
        Cluster of each row, from 0; -1 is noise of "dbscan" and its like. The same as `predict` of
        these rows.
    cluster_centers_ : ndarray of shape (n_clusters_, n_code)
        In the space of codes.
    n_clusters_ : int
        Noise does not count. Fewer than asked for, with a ConvergenceWarning, where there are not
        so many different codes.
    network_ : Network
        Encoder and decoder. After "dec" the decoder is that of the autoencoder before.
    clusterer_ : object
        Scikit-learn's, fitted to the codes before refinement, but not where these are all the same.
        Not in model files.
    silhouettes_ : dict of int to float
        Of each number tried, only with "auto".
    history_ : dict of str to list of float
        By round of the refinement: "loss" (the mean of J), "changed" (share of rows), "seconds",
        "learning_rate". Empty without one.
    pretraining_history_ : list of dict of str to list of float
        `history_` of the autoencoder, after those of its layers if they were pretrained one by one.
    offset_, factor_ : ndarray of shape (n_features,)
        As in `Autoencoder`, only with its `scale`.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features,), only if X has column names.

    See Also
    --------
    Autoencoder : In a pipeline before any clusterer it is this without refinement.

    Notes
    -----
    A new row belongs to the nearest centre after a refinement, and where the clusterer has
    `cluster_centers_`; to the most probable component of a Gaussian mixture; and otherwise
    (agglomerative clustering, DBSCAN, HDBSCAN) to where the nearest row of `fit` belongs, which may
    be noise. The same rule gives `labels_`.

    A linear code ("identity", weights not tied) is made standard before rows are clustered: each of
    its units gets mean 0 and variance 1 over them, and the decoder takes it back, so that what the
    network reconstructs stays. The scale of the code matters to k-means and to q.

    Refinement has no noise, dropout or penalties other than weight decay and L1 of the weights:
    they are for the autoencoder's training. Rows that are all the same make one cluster, whatever
    the clusterer; where it finds none at all, every row is noise, with a ConvergenceWarning.

    References
    ----------
    .. [1] J. Xie, R. Girshick, A. Farhadi. Unsupervised deep embedding for clustering analysis.
       ICML 2016.
    .. [2] X. Guo, L. Gao, X. Liu, J. Yin. Improved deep embedded clustering with local structure
       preservation. IJCAI 2017.

    Examples
    --------
    >>> import numpy as np
    >>> from aecore import Autoencoder, DeepClustering
    >>> X = np.repeat([[0.0, 0, 1, 1], [1, 1, 0, 0]], 50, axis=0)
    >>> X += np.random.default_rng(0).normal(scale=0.1, size=X.shape)
    >>> model = DeepClustering(2, autoencoder=Autoencoder((8, 2)), refinement="dec", random_state=0)
    >>> labels = model.fit_predict(X)
    >>> len(set(labels[:50])), len(set(labels[50:])), labels[0] != labels[50]
    (1, 1, True)
    """

    _learned: ClassVar[dict[str, Learned]] = {
        "n_clusters_": COUNT,
        "silhouettes_": SCORES,
        "cluster_centers_": Array("n_clusters_", None),
        "labels_": Array(None),
        "_clustered_codes": Array(None, None),
        "_mixture_weights": Array("n_clusters_"),
        "_mixture_precisions": Array("n_clusters_", None, None),
        "clusterer_": InPickles(),
    }
    _always_learned = ("n_clusters_", "cluster_centers_", "labels_")

    def __init__(
        self,
        n_clusters: int | str | None = None,
        *,
        autoencoder: Autoencoder | None = None,
        clusterer: Any = None,
        refinement: str | None = None,
        clustering_weight: float | None = None,
        optimizer: str | Optimizer = "adam",
        learning_rate: float | None = 1e-4,
        batch_size: int = 256,
        update_interval: int | None = None,
        n_updates: int = 100,
        tolerance: float = 1e-3,
        n_clusters_range: tuple[int, int] = (2, 10),
        callbacks: Callback | Sequence[Callback] | None = None,
        dtype: DTypeLike = "float32",
        n_threads: int | None = None,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.n_clusters = n_clusters
        self.autoencoder = autoencoder
        self.clusterer = clusterer
        self.refinement = refinement
        self.clustering_weight = clustering_weight
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.update_interval = update_interval
        self.n_updates = n_updates
        self.tolerance = tolerance
        self.n_clusters_range = n_clusters_range
        self.callbacks = callbacks
        self.dtype = dtype
        self.n_threads = n_threads
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: ArrayLike, y: Any = None, *, init: Network | None = None) -> Self:
        """Train the autoencoder, cluster the codes, and refine both if that is asked for.

        Ctrl-C in the refinement leaves the last finished round, before it the estimator as it was.

        Parameters
        ----------
        X : array-like or CSR of shape (n_samples, n_features)
            As in `Autoencoder.fit`.
        y : None
            Ignored, present for scikit-learn's sake, with a warning where it has the shape of X.
        init : Network, default=None
            A trained network of the autoencoder's shape, which is then not trained.

        Returns
        -------
        self : DeepClustering

        Raises
        ------
        ValueError
            If a parameter breaks its rule, there are to be more clusters than rows, or X or `init`
            is not what `Autoencoder.fit` takes.
        TypeError
            If X does not hold real numbers.
        TrainingDivergedError
            If a loss or a weight stops being finite.
        RuntimeError
            If another thread is training this estimator, or a callback of this call fits it again.
        """
        ignore_labels(y, X)
        with self._exclusive():
            self._fit_clusters(X, init)
        return self

    def _fit_clusters(self, X: ArrayLike, init: Network | None) -> None:
        self._check_settings()
        seed = seed_from(self.random_state)
        chosen = (
            recipe.default_autoencoder(X) if self.autoencoder is None else clone(self.autoencoder)
        )
        autoencoder = chosen.set_params(
            callbacks=self.callbacks,
            dtype=self.dtype,
            n_threads=self.n_threads,
            random_state=seed,
            verbose=self.verbose,
        )
        if init is None:
            run: dict[str, Any] = {"dtype": self.dtype, "n_threads": self.n_threads, "seed": seed}
            start = recipe.start(X, **run) if self.autoencoder is None else None
            autoencoder.fit(X, init=start)
        else:
            autoencoder._adopt(X, init)
        network, rows = autoencoder._fitted(X)
        network = standardize_code(network, rows)
        codes = network.encode(rows)
        found, silhouettes = self._cluster(codes, seed)
        names = ("n_features_in_", "feature_names_in_", "offset_", "factor_")
        learned = {name: getattr(autoencoder, name) for name in names if hasattr(autoencoder, name)}
        histories = list(getattr(autoencoder, "pretraining_history_", []))
        learned |= {
            "clusterer_": found.clusterer,
            "pretraining_history_": [*histories, autoencoder.history_],
            **({} if silhouettes is None else {"silhouettes_": silhouettes}),
        }
        if self.refinement is None or len(found.centers) < 2:
            learned |= _arrays_of_rule(found, codes)
            model = {**learned, "network_": network, "cluster_centers_": found.centers}
            labels = found.labels if found.by_row else _labels(model, codes)
            self._publish_round(Refined(network, found.centers, labels, History.empty()), learned)
        else:
            refinement = Refinement(
                self.refinement,
                self._refinement_plan(network, seed),
                self.update_interval,
                self.tolerance,
            )
            refine(
                refinement,
                network,
                found.centers,
                rows,
                lambda refined: self._publish_round(refined, learned),
                owner=self,
            )
        clusterers.warn_of_number(found, codes)

    def _refinement_plan(self, network: Network, seed: int) -> Plan:
        """What the refinement trains, and how: the losses and decays are the autoencoder's."""
        reader, optimizer = self._reader, _as_optimizer(self.optimizer)
        keeps_decoder = self.refinement == "dec"
        trained = network.encoder if keeps_decoder else network
        decoupled = isinstance(optimizer, AdamW)
        n_features = network.layer_sizes[0]
        return Plan(
            trained._layers,
            Objective(
                loss="squared_error" if keeps_decoder else reader.loss,
                weight_decay=0.0 if decoupled else float(reader.weight_decay),
                weight_l1=reader.weight_l1,
                clustering_weight=clustering_weight(
                    str(self.refinement), self.clustering_weight, n_features
                ),
            ),
            Input(),
            Optimization(
                optimizer,
                learning_rate=self.learning_rate,
                decoupled_decay=reader.weight_decay if decoupled else 0.0,
                clip_norm=reader.clip_norm,
                batch_size=self.batch_size,
                n_epochs=self.n_updates,
            ),
            Run(
                seed,
                network.dtype.name,
                network.n_threads,
                self.verbose,
                as_callbacks(self.callbacks),
            ),
        )

    def _check_settings(self) -> None:
        check_params(self.get_params(deep=False))
        refuse_overrides(self._reader, "autoencoder", called=frozenset({"fit"}))
        if isinstance(_as_optimizer(self.optimizer), LBFGS):
            rule = "be another one than 'lbfgs' for a refinement, which goes by batches"
            raise parameter_error("optimizer", rule, self.optimizer)

    def _cluster(self, codes: NDArray[Any], seed: int) -> tuple[Clustered, dict[int, float] | None]:
        clusterer = self.clusterer
        if clusterer is None:
            clusterer = "kmeans" if self.refinement is None else clusterers.START
        if self.n_clusters == "auto":
            low, high = map(int, self.n_clusters_range)
            return clusterers.choose_number(clusterer, (low, high), codes, seed)
        wanted = None if self.n_clusters is None else int(self.n_clusters)
        return clusterers.cluster(clusterer, wanted, codes, seed), None

    def _publish_round(self, refined: Refined, learned: dict[str, Any]) -> None:
        """Write all learned attributes in one step."""
        of_round = {
            "network_": refined.network,
            "cluster_centers_": refined.centers,
            "n_clusters_": len(refined.centers),
            "labels_": refined.labels,
            "_history": refined.history,
        }
        self._publish(learned | of_round)

    @classmethod
    def _check_learned(cls, learned: Mapping[str, Any]) -> None:
        """Check that arrays about codes are as wide as those, and labels known clusters."""
        super()._check_learned(learned)
        if "network_" not in learned:
            return
        network = learned["network_"]
        n_code = network.layer_sizes[network.code_layer + 1]
        for name in ("_clustered_codes", "_mixture_precisions", "cluster_centers_"):
            if name in learned:
                width = learned[name].shape[-1]
                require(name, width == n_code, f"be as wide as the code, {n_code}", width)
        mixture = [f"_mixture_{name}" in learned for name in ("weights", "precisions")]
        require("a mixture", len(set(mixture)) == 1, "have weights and precisions", "one of them")
        labels, n_clusters = learned["labels_"], learned["n_clusters_"]
        holds = labels.dtype == np.int64 and bool(np.all((labels >= -1) & (labels < n_clusters)))
        require("labels_", holds, f"be integers from -1 to {n_clusters - 1}", labels)
        if "_clustered_codes" in learned:
            n_rows = len(learned["_clustered_codes"])
            require("labels_", len(labels) == n_rows, f"be {n_rows}", len(labels))

    def predict(self, X: ArrayLike) -> NDArray[np.int64]:
        """Find the cluster of each row, by the rule of the class.

        Parameters
        ----------
        X : array-like or CSR of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,), int64
            From 0 to n_clusters_ - 1, or -1 for noise.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError, TypeError
            As in `fit`.
        """
        return _labels(*self._codes(X))

    def soft_assignment(self, X: ArrayLike) -> NDArray[Any]:
        """Compute q of each row and cluster: how much it belongs there.

        Parameters
        ----------
        X : array-like or CSR of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_clusters_)
            Of `dtype`; rows sum to 1. By distances to `cluster_centers_` whatever the clusterer is.

        Raises
        ------
        NotFittedError, ValueError, TypeError
            As in `predict`.
        """
        attributes, codes = self._codes(X)
        return soft_assignment(codes, attributes["cluster_centers_"], self.n_threads)

    def evaluate(self, X: ArrayLike, labels: ArrayLike | None = None) -> dict[str, float]:
        """Judge the clusters of rows: how they lie in the codes, and how they agree with labels.

        Parameters
        ----------
        X : array-like or CSR of shape (n_samples, n_features)
        labels : array-like of shape (n_samples,), default=None
            Classes, in any form.

        Returns
        -------
        dict of str to float
            "silhouette" (over 10,000 rows drawn where there are more), "calinski_harabasz" and
            "davies_bouldin" of the codes, noise left out, NaN where there are fewer than two
            clusters or as many as rows. With labels also "accuracy" (of the best assignment of
            clusters to classes, noise being wrong), "nmi" and "ari" (noise being a cluster of its
            own). scikit-learn computes all of them but the accuracy.

        Raises
        ------
        NotFittedError, TypeError
            As in `predict`.
        ValueError
            As in `predict`, and for `labels` of another length.
        """
        attributes, codes = self._codes(X)
        return clustering_figures(codes, _labels(attributes, codes), labels)

    def _codes(self, X: ArrayLike) -> tuple[dict[str, Any], NDArray[Any]]:
        """All attributes in one step, as another thread may be training; and the codes of rows."""
        check_is_fitted(self, "network_")
        attributes = vars(self).copy()
        _, rows = self._fitted(X)
        codes = attributes["network_"].encode(rows)
        usable = np.isfinite(codes).all(axis=1)
        if not usable.all():
            row = int(np.argmin(usable))
            rule = f"have codes that are finite in {codes.dtype}"
            msg = f"X must {rule}; got {codes[row]} of row {row}"
            raise ValueError(msg)
        return attributes, codes

    @property
    def _reader(self) -> Autoencoder:
        return recipe.default_autoencoder() if self.autoencoder is None else self.autoencoder


def _arrays_of_rule(found: Clustered, codes: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """What the rule of the class reads besides centres, without a refinement."""
    clusterer = found.clusterer
    if hasattr(clusterer, "precisions_cholesky_"):
        return {
            "_mixture_weights": clusterer.weights_,
            "_mixture_precisions": full_precisions(clusterer),
        }
    return {"_clustered_codes": codes} if found.by_row else {}


def _labels(model: dict[str, Any], codes: NDArray[Any]) -> NDArray[np.int64]:
    """Cluster codes by the rule of the class, for a model with these attributes."""
    if "_clustered_codes" in model:
        return of_nearest_row(codes, model["_clustered_codes"], model["labels_"])
    centers = model["cluster_centers_"]
    if "_mixture_precisions" in model:
        weights, precisions = model["_mixture_weights"], model["_mixture_precisions"]
        return of_mixture(codes, weights, centers, precisions)
    return of_nearest_center(codes, centers)
