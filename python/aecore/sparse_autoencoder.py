"""`SparseAutoencoder`: `Autoencoder` with the defaults of the sparse autoencoder."""

from __future__ import annotations

from aecore._util.defaults import with_defaults
from aecore.autoencoder import Autoencoder


class SparseAutoencoder(Autoencoder):
    """Learn sparse features: sigmoid units that are active for few rows [1]_.

    An `Autoencoder` with other defaults: sigmoid layers, weight decay, the KL penalty, and L-BFGS
    on all rows. Scale X to [0, 1], better [0.1, 0.9], because that is what a sigmoid output can
    produce.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=(25,)
        As in `Autoencoder`, like every parameter: those not listed here have its defaults too.
    activation, output_activation : str, default="sigmoid"
    weight_decay : float, default=1e-4
    sparsity_weight : float, default=3.0
    sparsity_target : float, default=0.01
    optimizer : str or Optimizer, default="lbfgs"
    n_epochs : int, default=400
        For "lbfgs" the largest number of iterations.

    Attributes
    ----------
    network_ : Network
        As in `Autoencoder`, like the others: `history_`, `n_features_in_`, `feature_names_in_`.

    See Also
    --------
    Autoencoder : What every parameter means.

    References
    ----------
    .. [1] A. Ng. Sparse autoencoder. CS294A lecture notes, Stanford University, 2011.

    Examples
    --------
    >>> import numpy as np
    >>> from aecore import SparseAutoencoder
    >>> X = np.random.default_rng(0).uniform(0.1, 0.9, size=(200, 16))
    >>> sae = SparseAutoencoder((4,), n_epochs=20, random_state=0).fit(X)
    >>> sae.transform(X).shape
    (200, 4)
    """

    __init__ = with_defaults(
        Autoencoder.__init__,
        hidden_layer_sizes=(25,),
        activation="sigmoid",
        output_activation="sigmoid",
        weight_decay=1e-4,
        sparsity_weight=3.0,
        sparsity_target=0.01,
        optimizer="lbfgs",
        n_epochs=400,
    )
