"""`DenoisingAutoencoder`: `Autoencoder` with the defaults of the denoising autoencoder."""

from __future__ import annotations

from aecore._util.defaults import with_defaults
from aecore.autoencoder import Autoencoder


class DenoisingAutoencoder(Autoencoder):
    """Learn features that bring back clean rows from corrupted ones [1]_.

    An `Autoencoder` with other defaults: masking noise on the training rows and a code that may be
    wide, because undoing the noise is task enough. `reconstruct` then cleans rows that come with
    noise of their own. Scale X to numbers near 1, for instance by `scale="standard"`.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=(128,)
        As in `Autoencoder`, like every parameter: those not listed here have its defaults too.
    noise : str or None, default="masking"

    Attributes
    ----------
    network_ : Network
        As in `Autoencoder`, like the others: `history_`, `n_features_in_`, `feature_names_in_`.

    See Also
    --------
    Autoencoder : What every parameter means.

    References
    ----------
    .. [1] P. Vincent, H. Larochelle, Y. Bengio, P.-A. Manzagol. Extracting and composing robust
       features with denoising autoencoders. ICML 2008.

    Examples
    --------
    >>> import numpy as np
    >>> from aecore import DenoisingAutoencoder
    >>> X = np.random.default_rng(0).random((200, 16))
    >>> dae = DenoisingAutoencoder((32,), noise_level=0.5, n_epochs=5, random_state=0).fit(X)
    >>> dae.reconstruct(X).shape
    (200, 16)
    """

    __init__ = with_defaults(
        Autoencoder.__init__,
        hidden_layer_sizes=(128,),
        noise="masking",
    )
