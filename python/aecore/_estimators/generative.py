"""What autoencoders with a Gaussian code can do besides: draw rows, and say how likely one is."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from aecore._checks.calls import answered
from aecore._checks.masked import without_mask
from aecore._checks.naming import named
from aecore._checks.random_state import seed_from
from aecore._checks.rules import check_params, parameter_error
from aecore._estimators import likelihood
from aecore._estimators.autoencoding import BaseAutoencoder
from aecore.schedules import Linear, Schedule


def _draws_codes(estimator: GenerativeAutoencoder) -> bool:
    if not estimator._gaussian_code:
        msg = f"this {type(estimator).__name__} has it with variational=True only"
        raise AttributeError(msg)
    return True


class GenerativeAutoencoder(BaseAutoencoder):
    """The base of estimators whose code is a distribution, always or where a parameter says so."""

    beta: float
    beta_warmup_epochs: int
    _lends_training = False

    @property
    @abstractmethod
    def _distribution(self) -> likelihood.Likelihood:
        """p(x|z)."""

    def _beta_schedule(self) -> Schedule | None:
        """Factor on beta in each epoch; None is 1."""
        if not self._gaussian_code:
            return None
        given: Schedule | None = getattr(self, "beta_schedule", None)
        if given is None:
            return Linear(self.beta_warmup_epochs) if self.beta_warmup_epochs else None
        if self.beta_warmup_epochs:
            rule = "be 0 with a beta_schedule"
            raise parameter_error("beta_warmup_epochs", rule, self.beta_warmup_epochs)
        return given

    def _facts(self) -> dict[str, Any]:
        return {**super()._facts(), "beta_schedule": self._beta_schedule()}

    def transform(self, X: ArrayLike, *, return_std: bool = False) -> Any:
        """Compute the codes of rows: the means where they are distributions.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        return_std : bool, default=False
            Whether to return the standard deviations as well.

        Returns
        -------
        mean : ndarray of shape (n_samples, n_code)
            Of `dtype`.
        std : ndarray of shape (n_samples, n_code)
            With `return_std`; from e^-10 to e^10.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError, TypeError
            As in `fit`.
        """
        if not return_std:
            return super().transform(X)
        _draws_codes(self)
        network, rows = self._fitted(X)
        mean, log_variance = network.code_distribution(rows)
        return mean, np.exp(log_variance / 2)

    @available_if(_draws_codes)  # type: ignore[untyped-decorator]
    @answered
    def generate(self, Z: ArrayLike) -> NDArray[Any]:
        """Compute the means of the rows that codes stand for; the same as `inverse_transform`.

        Parameters
        ----------
        Z : array-like of shape (n_samples, n_code)

        Returns
        -------
        ndarray of shape (n_samples, n_features)
            Of `dtype`: probabilities for "bernoulli", shares of the total for "multinomial". On the
            scale of `input_scale` times X; with `scale` on that of X.

        Raises
        ------
        NotFittedError, ValueError, TypeError
            As in `transform`.
        """
        return self.inverse_transform(Z)

    @available_if(_draws_codes)  # type: ignore[untyped-decorator]
    @answered
    def sample(self, n: int = 1, *, random_state: Any = None) -> NDArray[Any]:
        """Draw codes from the prior N(0, I) and compute the means of their rows.

        Parameters
        ----------
        n : int, default=1
            How many, >= 1.
        random_state : int, RandomState, Generator, SeedSequence or None, default=None
            None uses NumPy's global state.

        Returns
        -------
        ndarray of shape (n, n_features)
            As `generate`.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            If a parameter breaks its rule.
        """
        check_is_fitted(self, "network_")
        check_params({"n": n, "random_state": random_state})
        codes = likelihood.generator(seed_from(random_state)).standard_normal(
            (n, self._n_features_out)
        )
        rows: NDArray[Any] = self.generate(codes)
        return rows

    @available_if(_draws_codes)  # type: ignore[untyped-decorator]
    @answered
    def interpolate(self, a: ArrayLike, b: ArrayLike, steps: int = 10) -> NDArray[Any]:
        """Compute rows on the way from one row to another, straight from code to code.

        Parameters
        ----------
        a, b : array-like of shape (n_features,), or an image where `fit` takes images
        steps : int, default=10
            Rows in all, >= 1, the reconstructions of both ends among them (of `a` alone for 1).

        Returns
        -------
        ndarray of shape (steps, n_features)
            As `generate`.

        Raises
        ------
        NotFittedError, ValueError, TypeError
            As in `transform`.
        """
        check_is_fitted(self, "network_")
        check_params({"steps": steps})
        first, last = (self._code_of(row, name) for name, row in (("a", a), ("b", b)))
        share = np.linspace(0, 1, steps)[:, np.newaxis]
        rows: NDArray[Any] = self.generate((1 - share) * first + share * last)
        return rows

    def _code_of(self, row: ArrayLike, name: str) -> NDArray[Any]:
        rows = self._flat_rows(
            np.asarray(without_mask(row, name, missing=self.network_._input.mask_missing))[
                np.newaxis
            ],
            reset=False,
            name=name,
        )
        if rows.ndim != 2:
            raise parameter_error(name, "be one row, of shape (n_features,)", np.shape(row))
        with named({"X": name}):
            return self.network_.encode(rows[0])

    @available_if(_draws_codes)  # type: ignore[untyped-decorator]
    @answered
    def elbo(
        self, X: ArrayLike, *, n_samples: int = 1, random_state: Any = None
    ) -> NDArray[np.float64]:
        """Estimate the evidence lower bound of each row's log p(x), in nats.

        The divergence is computed, with weight 1 whatever `beta` is; log p(x|z) is the mean of
        `n_samples` draws of z. With `scale` or `input_scale` p is about the scaled rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        n_samples : int, default=1
            Draws for each row, >= 1.
        random_state : int, RandomState, Generator, SeedSequence or None, default=None
            Of the draws; None uses NumPy's global state.

        Returns
        -------
        ndarray of shape (n_samples,), float64
            Higher is better; their mean is the ELBO of the data.

        Raises
        ------
        NotFittedError, ValueError, TypeError
            As in `transform`.
        """
        return self._log_likelihood(X, n_samples, random_state, likelihood.elbo)

    @available_if(_draws_codes)  # type: ignore[untyped-decorator]
    @answered
    def log_likelihood(
        self, X: ArrayLike, *, n_samples: int = 100, random_state: Any = None
    ) -> NDArray[np.float64]:
        """Estimate log p(x) of each row by importance sampling [1]_, in nats.

        log 1/K sum_k p(x|z_k) p(z_k) / q(z_k|x) with K draws from q(z|x): a lower bound in the
        mean, the tighter the larger K is; K = 1 is the ELBO. With `scale` or `input_scale` p is
        about the scaled rows. Memory does not grow with K, nor with the rows but for the result.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        n_samples : int, default=100
            K >= 1.
        random_state : int, RandomState, Generator, SeedSequence or None, default=None
            Of the draws; None uses NumPy's global state.

        Returns
        -------
        ndarray of shape (n_samples,), float64

        Raises
        ------
        NotFittedError, ValueError, TypeError
            As in `transform`.

        References
        ----------
        .. [1] Y. Burda, R. Grosse, R. Salakhutdinov. Importance weighted autoencoders. ICLR 2016,
           eq. 8.
        """
        return self._log_likelihood(X, n_samples, random_state, likelihood.importance_weighted)

    def _log_likelihood(
        self, X: ArrayLike, n_samples: int, random_state: Any, estimate: likelihood.Estimate
    ) -> NDArray[np.float64]:
        check_params({"n_samples": n_samples, "random_state": random_state})
        network, rows = self._fitted(X)
        draws = likelihood.generator(seed_from(random_state))
        return estimate(network, self._distribution, rows, n_samples, draws)
