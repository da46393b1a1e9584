"""`AutoencoderOutlierDetector`: rows that networks trained on the others cannot reproduce."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, validate_data

from aecore._checks.arrays import as_rows, as_sample_weight
from aecore._checks.calls import answered
from aecore._checks.frames import plain_columns
from aecore._checks.ignored import ignore_labels
from aecore._checks.masked import from_lists, without_mask
from aecore._checks.naming import objects_named
from aecore._checks.random_state import seed_from
from aecore._checks.rules import check_params, parameter_error
from aecore._estimators.trainable import trains_in_batches
from aecore._outliers.detection import Detection, check_finite
from aecore._outliers.fitting import Stream, fit_members
from aecore._outliers.groups import sums_by_group
from aecore._outliers.pyod_view import PyODView
from aecore._outliers.row_errors import RowErrors
from aecore._problem.plan import Plan
from aecore._saving.learned import COUNT, NUMBER, Array, Learned, Names
from aecore._saving.members import Members, OfEnsemble, Spreads
from aecore._saving.model import Model
from aecore.autoencoder import Autoencoder
from aecore.optimizers import Optimizer

if TYPE_CHECKING:
    from sklearn.utils import Tags
    from typing_extensions import Self

# Updates that each network gets with `n_epochs=None`, about.
_N_UPDATES = 400
# Units of a hidden layer, and of the code for single rows, with `hidden_layer_sizes=None`.
_HIDDEN, _CODE = 32, 2
# Attributes learned from the shape and the column names of X.
_OF_ROWS = ("n_features_in_", "feature_names_in_")


def _streams(detector: AutoencoderOutlierDetector) -> bool:
    """Say whether there is `partial_fit`; the error says why not."""
    if detector.threshold == "conformal":
        msg = (
            "partial_fit holds no rows back: threshold must be 'quantile' or 'tail'; got "
            "'conformal'"
        )
        raise AttributeError(msg)
    return trains_in_batches(detector)


class AutoencoderOutlierDetector(OutlierMixin, Model, BaseEstimator):  # type: ignore[misc]
    """Find rows that networks trained on the others cannot reproduce.

    Small autoencoders learn to reproduce the rows through a narrow code. Rows that cost most are
    left out of each step (least trimmed squares [1]_), so the networks learn what most rows have in
    common, whether odd ones are among them or not. A row's error is the sum of the errors of its
    features, averaged over the networks; odd is what has a larger one than the threshold.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=None
        Widths of the encoder's layers, >= 1; the last one is the code, and the decoder mirrors it.
        None sizes the network from the data: a layer of 32 units and a code of 2 + 2 log2(window)
        units, rounded (two for single rows); but the code is narrower than what the network reads,
        if that has more than one number.
    contamination : "auto" or float in (0, 0.5], default="auto"
        Share of the training rows that is odd, for the threshold "quantile". "auto" is cautious:
        rows of which none is odd are called so at a rate of at most about 2 % by the default
        `error`, whatever their distribution. Odd is an error above the median + 4 s of the
        training errors, where s is the scale of an exponential tail above the median, from their
        75 and 85 % quantiles. Where you know that more of the training rows are odd, say it.
    threshold : {"quantile", "tail", "conformal"}, default="quantile"
        Where odd begins. "quantile": by `contamination`, from the errors of the training rows.
        "tail": where normal rows come with `false_alarm_rate` by a generalised Pareto distribution
        of the largest tenth of the training errors [3]_, which reaches beyond them. "conformal":
        by rows that the networks have not learned from [4]_; a new row, exchangeable with them, is
        then called odd with a probability of at most `false_alarm_rate`, whatever the data are
        like. For that the training rows should be normal ones.
    false_alarm_rate : float, default=0.01
        In (0, 1), for the thresholds "tail" and "conformal".
    calibration_fraction : float, default=0.25
        In (0, 1): share of the rows that "conformal" keeps for its threshold, drawn at random; with
        a `window` the last ones.
    error : {"cauchy", "standardized", "absolute", "squared"}, default="cauchy"
        Error of a feature, with e = x_hat - x' on the scale of the network: log(1 + (e / s)^2),
        as the logarithm of a Cauchy density falls [2]_; abs(e) / s; abs(e); or e^2. s is the robust
        spread of e: 1.4826 times the median of abs(e) in training, but not below 0.05 ("cauchy") or
        0.2 ("standardized") of the robust spread of the feature itself, so that flags and columns
        that are mostly zero weigh no more than others.
    n_estimators : int, default=4
        Number of networks, which differ in their start and in the order of rows.
    window : int, default=1
        Rows of a time series, in the order of time, that a network sees together, >= 1. The error
        of a row is then its part in the errors of all windows that hold it, on average: the rows up
        to window - 1 before and after it count.
    trim_fraction : float, default=0.4
        In [0, 1): share of the rows of a batch that is left out of its step. 0 where the training
        rows are known to be normal.
    activation : str, default="tanh"
        Of the hidden layers, as in `Autoencoder`; the output has none.
    noise : {"masking", "gaussian", "salt_and_pepper", "uniform"}, default="masking"
        Noise on the rows in training, as in `Autoencoder`; None is none.
    noise_level : float, default=0.2
        Its strength.
    weight_decay : float, default=0.0
        lambda >= 0 on the squared weights.
    scale : {"minmax", "standard", "robust", "pooled", "maxabs"}, default="robust"
        Scale of each column, fitted to the training rows, as in `Autoencoder`: "robust" withstands
        error codes and other arbitrary numbers, a few per cent of a column. None leaves X as it is.
    missing : {"mask"}, default=None
        None: NaN is an error. "mask": NaN is a missing number, which costs a row the median error
        of its column in training: no reason to be odd, and none to be usual.
    optimizer : str or Optimizer, default="adam"
        As in `Autoencoder`.
    learning_rate : float, default=0.003
        Step size > 0; None is the optimizer's.
    batch_size : int, default=64
        Rows per update, >= 1.
    n_epochs : int, default=None
        Passes over the rows, >= 1. None makes about 400 updates of each network, in whole passes:
        with many more, networks learn the odd rows too.
    dtype : {"float32", "float64"}, default="float32"
        Type of the networks. Errors and scores are float64.
    n_threads : int, default=None
        Networks trained at the same time, or blocks of rows scored, >= 1. None takes what OpenMP,
        the CPU affinity and the control group allow. Results have the same bits for every number.
    random_state : int, RandomState, Generator, SeedSequence or None, default=None
        Where the networks' seeds and the calibration rows are drawn from; None uses NumPy's global
        state.
    verbose : {0, 1}, default=0
        1 shows a progress bar.

    Attributes
    ----------
    estimators_ : list of Autoencoder
        The networks, with their `history_`.
    offset_ : float
        decision_function(X) = score_samples(X) - offset_: minus the threshold on errors.
    train_scores_ : ndarray of shape (n_samples,), float64
        `score_samples` of the rows of `fit`; after `partial_fit` those of the newer half of all
        rows, from 256 to 4096, or of the last call if it had more, as they were when they came.
    spreads_ : list of ndarray of shape (window * n_features_in_,), float64
        Robust spread of each feature's errors, by network.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, when X has string column names.

    See Also
    --------
    Autoencoder : The networks, `trim_fraction` and the training.

    Notes
    -----
    A constant column has a standard deviation of 0 and is not divided by it: what differs from the
    constant is an error in the units of X. Rows that are all alike are all normal.

    `partial_fit` keeps the scales of its first call and averages spreads over the last calls,
    weighted by their rows; the threshold is that of `train_scores_`, however rows are cut into
    calls.

    A finite number that is too large for the networks makes its row odd, and no other.

    References
    ----------
    .. [1] P. J. Rousseeuw. Least median of squares regression. Journal of the American Statistical
       Association 79, 1984.
    .. [2] P. W. Holland, R. E. Welsch. Robust regression using iteratively reweighted
       least-squares. Communications in Statistics A6, 1977.
    .. [3] A. Siffer, P.-A. Fouque, A. Termier, C. Largouet. Anomaly detection in streams with
       extreme value theory. KDD 2017.
    .. [4] R. Laxhammar, G. Falkman. Conformal prediction for distribution-independent anomaly
       detection in streaming vessel data. StreamKDD 2010.

    Examples
    --------
    >>> import numpy as np
    >>> from aecore import AutoencoderOutlierDetector
    >>> X = np.random.default_rng(0).normal(size=(500, 2)) @ np.ones((2, 8))
    >>> detector = AutoencoderOutlierDetector(random_state=0).fit(X)
    >>> detector.predict([[1.0] * 8, [1.0] * 7 + [-9.0]]).tolist()
    [1, -1]
    """

    _sized_from_data = ("hidden_layer_sizes", "n_epochs")
    _learned: ClassVar[dict[str, Learned]] = {
        "n_features_in_": COUNT,
        "feature_names_in_": Names(),
        "_seed": COUNT,
        "offset_": OfEnsemble(float),
        "_n_seen": OfEnsemble(int),
        "estimators_": Members(Autoencoder, ("offset_", "_n_seen")),
        "spreads_": Spreads(),
        "train_scores_": Array(None),
        "_train_weight": Array(None),
        "_tail_scale": NUMBER,
        "_usual": Array(None),
        "_least_spread": Array(None),
    }
    _always_learned = ("n_features_in_", "_seed", "offset_", "estimators_", "spreads_")

    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] | None = None,
        *,
        contamination: str | float = "auto",
        threshold: str = "quantile",
        false_alarm_rate: float = 0.01,
        calibration_fraction: float = 0.25,
        error: str = "cauchy",
        n_estimators: int = 4,
        window: int = 1,
        trim_fraction: float = 0.4,
        activation: str = "tanh",
        noise: str | None = "masking",
        noise_level: float = 0.2,
        weight_decay: float = 0.0,
        scale: str | None = "robust",
        missing: str | None = None,
        optimizer: str | Optimizer = "adam",
        learning_rate: float | None = 0.003,
        batch_size: int = 64,
        n_epochs: int | None = None,
        dtype: DTypeLike = "float32",
        n_threads: int | None = None,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.contamination = contamination
        self.threshold = threshold
        self.false_alarm_rate = false_alarm_rate
        self.calibration_fraction = calibration_fraction
        self.error = error
        self.n_estimators = n_estimators
        self.window = window
        self.trim_fraction = trim_fraction
        self.activation = activation
        self.noise = noise
        self.noise_level = noise_level
        self.weight_decay = weight_decay
        self.scale = scale
        self.missing = missing
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.n_epochs = n_epochs
        self.dtype = dtype
        self.n_threads = n_threads
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: ArrayLike, y: Any = None, sample_weight: ArrayLike | None = None) -> Self:
        """Train on rows, most of which are normal.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Real numbers, at least two rows; with a `window` in the order of time.
        y : None
            Ignored, present for scikit-learn's sake, with a warning where it has the shape of X.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights >= 0, not all 0: scales, trainings, spreads and the threshold count a row that
            often. Their own scale says nothing. A window has the mean weight of its rows.

        Returns
        -------
        self : AutoencoderOutlierDetector

        Raises
        ------
        ValueError
            If a parameter breaks its rule, there are too few rows for the window or the threshold,
            or a number is not finite (with row and column).
        TypeError
            If X does not hold real numbers.
        TrainingDivergedError
            If a loss or weight stops being finite.
        RuntimeError
            If another thread is training this detector.
        """
        ignore_labels(y, X)
        with self._exclusive():
            self._check_settings()
            learned: dict[str, Any] = {}
            rows = self._rows(X, learned)
            weights = as_sample_weight(sample_weight, rows.shape[0])
            if weights is not None:  # their own scale says nothing
                weights = weights / weights.max()
                weights /= weights[weights > 0].mean()
            seed = seed_from(self.random_state)
            seen = self._detection.see(rows, weights, seed)
            members = self._members(rows.shape[1], seen.data.n_training_rows)

            def train(member: Autoencoder, its_seed: int) -> None:
                member._train_on(seen.data, seen.entry, its_seed)

            learned |= fit_members(self._detection, members, seen, seed, train=train)
            self._publish({**learned, "_n_seen": rows.shape[0]})
        return self

    @available_if(_streams)  # type: ignore[untyped-decorator]
    @answered
    def partial_fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Go on training: one pass over X, unshuffled, with the scales of the first call.

        Spreads become means over the last calls, weighted by their rows, and `offset_` is set by
        `train_scores_`: those kept before and those of X. Not available with threshold "conformal"
        or optimizer "lbfgs".

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            As in `fit`; one row is enough after the first call. Windows do not reach over the end
            of a call.
        y : None
            Ignored, present for scikit-learn's sake, with a warning where it has the shape of X.

        Returns
        -------
        self : AutoencoderOutlierDetector

        Raises
        ------
        ValueError, TypeError, TrainingDivergedError, RuntimeError
            As in `fit`.
        """
        ignore_labels(y, X)
        with self._exclusive():
            self._check_settings()
            known = vars(self).copy()
            if "estimators_" not in known:
                learned: dict[str, Any] = {}
                rows = self._rows(X, learned)
                seed, stream = seed_from(self.random_state), None
                seen = self._detection.see(rows, None, seed)
            else:
                learned = {name: known[name] for name in _OF_ROWS if name in known}
                rows, seed = self._rows(X), self._seed
                kept = known.get("train_scores_", np.empty(0))
                usual = known.get("_usual")
                stream = Stream(known["spreads_"], usual, kept, known["_n_seen"])
                entry = known["estimators_"][0].network_._input
                seen = self._detection.see_more(rows, entry, known.get("_least_spread"))
            members = self._members(rows.shape[1], len(seen.data.X))
            if stream is not None:
                _go_on(members, known["estimators_"])

            def train(member: Autoencoder, its_seed: int) -> None:
                member._pass_over(seen.data, seen.entry, its_seed)

            learned |= fit_members(self._detection, members, seen, seed, train=train, before=stream)
            n_before = 0 if stream is None else stream.n_seen
            self._publish({**learned, "_n_seen": n_before + rows.shape[0]})
        return self

    def score_samples(self, X: ArrayLike) -> NDArray[np.float64]:
        """Compute minus the error of each row: higher is more normal.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            With a `window` a series in the order of time, at least as long.

        Returns
        -------
        ndarray of shape (n_samples,), float64
            <= 0. A row's score does not depend on other rows; with a `window` it depends only on
            those that are in a window with it.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError, TypeError
            As in `fit`.
        """
        check_is_fitted(self, "estimators_")
        return self._scores(X, vars(self).copy())

    def feature_errors(self, X: ArrayLike, groups: Any = None) -> NDArray[np.float64]:
        """Compute the error of each feature of each row: why a row is odd.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            As in `score_samples`.
        groups : sequence of sequences of columns, or dict of them by name, default=None
            Columns to take together, such as those of one category: by number, from 0, or by their
            names in `fit`, each at most once.

        Returns
        -------
        ndarray of shape (n_samples, n_features) or (n_samples, n_groups), float64
            >= 0, the means over the networks; the sum over the features is minus the score, and
            that of a group's features its error. That of a missing number is 0: what it costs is
            borne by the features that are there, in proportion to their errors (in a row of gaps
            alone by itself).

        Raises
        ------
        NotFittedError, TypeError
            As in `score_samples`.
        ValueError
            As in `score_samples`, and for groups that do not name columns of X.
        """
        check_is_fitted(self, "estimators_")
        learned = vars(self).copy()
        errors = self._errors(learned).by_feature(self._rows(X))
        return (
            errors
            if groups is None
            else sums_by_group(errors, groups, learned.get("feature_names_in_"))
        )

    def odd_probability(self, X: ArrayLike) -> NDArray[np.float64]:
        """Compute how far a row is on the way from usual to odd, as a number in [0, 1].

        The logistic function of (error - threshold) / scale, with the scale of the tail of the
        training errors above their median: 0.5 at the threshold, and the odds grow by a factor e
        with each scale that the error is larger, as usual rows become fewer by that factor. It is
        a probability in this sense alone: nothing is known of the odd rows to come.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            As in `score_samples`.

        Returns
        -------
        ndarray of shape (n_samples,), float64
            In [0, 1]; it never falls as the error rises.

        Raises
        ------
        NotFittedError, ValueError, TypeError
            As in `score_samples`.
        AttributeError
            If the detector is from a file of aecore 0.1.0, which kept no scores of training rows.
        """
        check_is_fitted(self, "estimators_")
        learned = vars(self).copy()
        _check_scores_kept(learned)
        beyond = float(learned["offset_"]) - self._scores(X, learned)
        # Where all training errors are alike there is no scale: a step.
        scale = max(learned["_tail_scale"], np.finfo(np.float64).tiny)
        with np.errstate(over="ignore"):
            odd: NDArray[np.float64] = 1.0 / (1.0 + np.exp(-beyond / scale))
        return odd

    def set_contamination(self, contamination: str | float) -> Self:
        """Choose the share of odd rows anew, after `fit` and without a training.

        The parameters become `threshold="quantile"`, whatever it was, and this `contamination`;
        `offset_` becomes what `fit` would have found, from `train_scores_`.

        Parameters
        ----------
        contamination : "auto" or float in (0, 0.5]
            As the parameter.

        Returns
        -------
        self : AutoencoderOutlierDetector

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            If `contamination` breaks its rule.
        AttributeError
            If the detector is from a file of aecore 0.1.0, which kept no scores of training rows.
        """
        check_is_fitted(self, "estimators_")
        changed = {"contamination": contamination, "threshold": "quantile"}
        check_params(changed)
        with self._exclusive():
            learned = vars(self).copy()
            _check_scores_kept(learned)
            detection = Detection.of({**learned, **changed})
            scores, weights = learned["train_scores_"], learned.get("_train_weight")
            offset = -detection.threshold_of(-scores, weights)
            self.__dict__.update({**changed, "offset_": offset})
        return self

    def as_pyod(self) -> PyODView:
        """Give this detector the attributes and methods of PyOD's; PyOD need not be there.

        Returns
        -------
        object
            With `decision_scores_`, `labels_`, `threshold_`, `contamination`, `decision_function`
            (high is odd), `predict` (1 is odd, 0 is not), `predict_proba` (by `odd_probability`)
            and `fit`. It is a view: what becomes of the detector shows in it.

        Raises
        ------
        NotFittedError
            Before `fit`.
        AttributeError
            If the detector is from a file of aecore 0.1.0, which kept no scores of training rows.
        """
        check_is_fitted(self, "estimators_")
        _check_scores_kept(vars(self))
        return PyODView(self)

    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:
        """Compute `score_samples(X) - offset_`: negative for odd rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            As in `score_samples`.

        Returns
        -------
        ndarray of shape (n_samples,), float64

        Raises
        ------
        NotFittedError, ValueError, TypeError
            As in `score_samples`.
        """
        check_is_fitted(self, "estimators_")
        learned = vars(self).copy()  # in one step: another thread may publish the next ones
        return self._scores(X, learned) - float(learned["offset_"])

    def predict(self, X: ArrayLike) -> NDArray[np.int64]:
        """Say which rows are odd.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            As in `score_samples`.

        Returns
        -------
        ndarray of shape (n_samples,), int64
            -1 for odd rows, 1 for the others.

        Raises
        ------
        NotFittedError, ValueError, TypeError
            As in `score_samples`.
        """
        return np.where(self.decision_function(X) < 0.0, -1, 1).astype(np.int64)

    def _scores(self, X: Any, learned: dict[str, Any]) -> NDArray[np.float64]:
        return -self._errors(learned).by_row(self._rows(X))

    def _errors(self, learned: dict[str, Any]) -> RowErrors:
        """Make what computes the errors of rows from learned attributes."""
        networks = [member.network_ for member in learned["estimators_"]]
        return self._detection.errors(networks, learned["spreads_"], learned.get("_usual"))

    def _rows(self, X: Any, learned: dict[str, Any] | None = None) -> NDArray[Any]:
        """Check rows; with `learned`, of a first call, add their width and column names to it."""
        reset = learned is not None
        # scikit-learn's validation writes n_features_in_ and feature_names_in_: to a copy.
        probe = copy.copy(self)
        least = {"ensure_min_samples": 2} if reset else {}
        checks = {"dtype": "numeric", "ensure_all_finite": False, **least}
        X = plain_columns(X, "X")
        X = without_mask(X, "X", missing=self.missing == "mask")
        with objects_named("X"):
            rows: NDArray[Any] = validate_data(probe, from_lists(X, "X"), reset=reset, **checks)
        rows = as_rows(rows, rows.shape[1], "X")
        if learned is not None:
            learned |= {name: vars(probe)[name] for name in _OF_ROWS if name in vars(probe)}
        if rows.shape[0] < self.window:
            rule = f"be at most {rows.shape[0]}, the number of rows"
            raise parameter_error("window", rule, self.window)
        check_finite(rows, missing=self.missing == "mask")
        return rows

    @property
    def _detection(self) -> Detection:
        return Detection.of(vars(self))

    def _check_settings(self) -> None:
        check_params(self.get_params(deep=False), may_be_none=self._sized_from_data)
        Plan.of(self._member(1, 1), 1, 1, 0)

    def _members(self, n_features: int, n_rows: int) -> list[Autoencoder]:
        return [self._member(n_features, n_rows) for _ in range(self.n_estimators)]

    def _member(self, n_features: int, n_rows: int) -> Autoencoder:
        """One autoencoder of the ensemble."""
        n_epochs = self.n_epochs
        if n_epochs is None:
            n_epochs = max(1, round(_N_UPDATES / math.ceil(n_rows / self.batch_size)))
        sizes = self.hidden_layer_sizes
        if sizes is None:
            width = self.window * n_features
            code = round(_CODE * (1 + math.log2(self.window)))
            sizes = (_HIDDEN, max(1, min(code, width - 1)))
        return Autoencoder(
            sizes,
            activation=self.activation,
            weight_decay=self.weight_decay,
            trim_fraction=self.trim_fraction,
            noise=self.noise,
            noise_level=self.noise_level,
            missing=self.missing,
            optimizer=self.optimizer,
            learning_rate=self.learning_rate,
            batch_size=self.batch_size,
            n_epochs=n_epochs,
            dtype=self.dtype,
            n_threads=self._detection.threads if self.n_estimators == 1 else 1,
        )

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = self.missing == "mask"
        return tags


def _check_scores_kept(learned: Mapping[str, Any]) -> None:
    if "_tail_scale" not in learned:
        msg = (
            "this detector is from a file of aecore 0.1.0, which kept no train_scores_: fit it "
            "again"
        )
        raise AttributeError(msg)


def _go_on(members: list[Autoencoder], present: list[Autoencoder]) -> None:
    """Let new members go on from the present ones."""
    if len(present) != len(members):
        rule = f"be {len(present)}, as in the first call"
        raise parameter_error("n_estimators", rule, len(members))
    for member, before in zip(members, present, strict=True):
        for name in ("network_", "_history", "_optimizer_state"):
            setattr(member, name, getattr(before, name))
