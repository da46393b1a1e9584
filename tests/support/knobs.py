"""The estimators' parameters, each registered once: every test of all parameters reads this table.

A new parameter of `Autoencoder` is one entry of `KNOBS`, a new penalty one more of `terms.TERMS`.
Recommenders, the outlier detector and the clusters have tables of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import aecore
from aecore import Autoencoder
from aecore.callbacks import Callback
from aecore.optimizers import Adam
from aecore.schedules import Cosine
from knob_checks import (
    ends_after_one_epoch,
    ends_early,
    goes_on,
    goes_on_from_its_layers,
    has_threads,
    like_reference,
    makes_csr,
)

COMMON: dict[str, Any] = {
    "hidden_layer_sizes": (6, 4),
    "pretrain": False,
    "activation": "sigmoid",
    "code_activation": "sigmoid",
    "output_activation": "identity",
    "likelihood": "gaussian",
    "channels": (3, 2),
    "kernel_size": (1, 3),
    "stride": (1, 2),
    "image_shape": (2, 5),
    "code_size": 4,
    "optimizer": "sgd",
    "learning_rate": 0.05,
    "batch_size": 16,
    "n_epochs": 3,
    "dtype": "float64",
    "random_state": 3,
    "n_threads": 1,
}
SPARSE = {"sparsity_weight": 0.3, "sparsity_target": 0.2}
DRAWN = {"variational": True, "code_activation": "identity"}
WATCHED = {"validation_fraction": 0.2, "n_epochs": 40, "learning_rate": 0.02}
ACTIVATIONS = "be one of 'identity', 'sigmoid', 'tanh', 'relu', 'leaky_relu', .*'gelu'"
COUNT = r"be an integer from 1 to 2\*\*31 - 1"
NUMBER = "be a finite number >= 0"
SHARE: dict[str, Any] = {
    "default": 0.0,
    "rule": r"be a number in \[0, 1\)",
    "bad": [1, -0.1, np.nan, "a", None],
}
SWITCH: dict[str, Any] = {"rule": "be True or False", "bad": [1, "yes", None]}


class Stop:
    """A callback that ends the training after its first epoch."""

    def on_epoch_end(self, state: aecore.callbacks.EpochState) -> bool:
        return state.epoch == 0


Check = Callable[[Any, NDArray[np.float64]], None]


class Knob(NamedTuple):
    """A parameter, and how it is turned and refused.

    `value` is given beside `base`; `check` gets the fitted estimator and X. `default` is that of
    `Autoencoder`, which refuses each of `bad` with the words "<name> must <rule>".
    """

    value: Any
    default: Any = None
    rule: str = ""
    bad: Sequence[Any] = ()
    base: Mapping[str, Any] = MappingProxyType({})
    check: Check = like_reference
    changes: str = "weights"  # or the output that differs instead


def penalty(value: float) -> Knob:
    """A weight of a term of J, which is 0 unless it is given."""
    return Knob(value, 0.0, NUMBER, [-0.1, np.nan, np.inf, "a", None, True])


KNOBS: dict[str, Knob] = {
    "hidden_layer_sizes": Knob(
        (7, 3),
        default=(32,),
        rule=COUNT,
        bad=[0, -1, (), (3, -1), (2.5,), "abc", None, True, 2**31],
    ),
    "decoder_layer_sizes": Knob(
        (5, 3),
        default=None,
        rule="be None, an integer from 1 to .* or a seq",
        bad=[0, (3, -1), "a"],
    ),
    "channels": Knob((2, 4)),
    "kernel_size": Knob((2, 3)),
    "stride": Knob(1),
    "code_size": Knob(None),
    "image_shape": Knob((5, 2), base={"channels": (3,), "kernel_size": (1, 2)}),
    "pretrain": Knob(
        True,
        default=False,
        rule="be True, False, an Autoencoder, or a seq",
        bad=[1, "yes", None, Autoencoder, [True]],
        check=goes_on_from_its_layers,
    ),
    "activation": Knob(
        "tanh", default="relu", rule=ACTIVATIONS, bad=["swish", "softmax", None, 3, ["relu"]]
    ),
    "code_activation": Knob(
        "tanh", default=None, rule="be one of None, 'identity', .*'gelu'", bad=["softmax", 3]
    ),
    "output_activation": Knob(
        "softplus", default="identity", rule=f"{ACTIVATIONS}, 'softmax'", bad=["swish", None]
    ),
    "tied_weights": Knob(True, default=False, **SWITCH),
    "initialization": Knob(
        "he_normal", default=None, rule="be one of None, 'glorot', .*'orthogonal'", bad=["zeros", 0]
    ),
    "loss": Knob(
        "huber",
        default="squared_error",
        rule="be one of 'squared_error', .*, 'multinomial'",
        bad=["mse", None],
        base={"input_scale": 5.0},
    ),
    "likelihood": Knob("multinomial"),
    "variational": Knob(True, base={"code_activation": "identity"}),
    "beta": Knob(0.4, base=DRAWN),
    "beta_warmup_epochs": Knob(2, base=DRAWN),
    "beta_schedule": Knob(aecore.schedules.Exponential(0.5)),
    "free_bits": Knob(0.05),
    "weight_decay": penalty(0.1),
    "weight_l1": penalty(0.01),
    "sparsity_weight": penalty(0.5),
    "sparsity_target": Knob(
        0.3,
        default=0.05,
        rule=r"be a number in \(0, 1\)",
        bad=[0, 1, -0.1, np.nan, "a", None],
        base=SPARSE,
    ),
    "sparsity_layers": Knob(
        "hidden",
        default="code",
        rule="be one of 'code', 'hidden'",
        bad=["all", None, 0],
        base=SPARSE,
    ),
    "sparsity_momentum": Knob(0.8, **SHARE, base=SPARSE),
    "activity_l1": penalty(0.1),
    "contractive_weight": penalty(0.2),
    "code_top_k": Knob(
        2, default=None, rule="be None or an integer from 1 to", bad=[0, -1, 2.5, True, 4]
    ),
    "dropout": Knob(0.3, **SHARE),
    "trim_fraction": Knob(0.4, **SHARE),
    "class_weight": Knob({0: 3.0}),
    "optimizer": Knob(
        "adamw",
        default="adam",
        rule="be one of 'sgd', 'momentum', .*, 'lbfgs', or an obj",
        bad=["adamax", None, Adam],
        base={"weight_decay": 0.1},
    ),
    "learning_rate": Knob(
        0.02, default=None, rule="be None or a finite number > 0", bad=[0, -1, np.inf, np.nan, "a"]
    ),
    "learning_rate_schedule": Knob(
        "cosine",
        default=None,
        rule="be None, one of 'constant', 'cosine'",
        bad=["step", 0.5, Cosine],
    ),
    "clip_norm": Knob(
        0.05,
        default=None,
        rule="be None or a finite number > 0",
        bad=[0, -1, np.inf, np.nan, "a", True],
    ),
    "batch_size": Knob(7, default=256, rule=COUNT, bad=[0, -1, 2.0, "a", None, True, 2**31]),
    "n_epochs": Knob(5, default=50, rule=COUNT, bad=[0, -1, 2.0, "a", None, True, 2**31]),
    "shuffle": Knob(False, default=True, **SWITCH),
    "validation_fraction": Knob(0.2, **SHARE),
    "early_stopping": Knob(
        True,
        default=False,
        **SWITCH,
        base={**WATCHED, "tolerance": 0.02, "patience": 2},
        check=ends_early,
    ),
    "patience": Knob(
        3,
        default=10,
        rule=COUNT,
        bad=[0, -1, 2.5, None],
        base={**WATCHED, "tolerance": 0.02, "early_stopping": True},
        check=ends_early,
    ),
    "tolerance": Knob(
        0.05,
        default=1e-4,
        rule=NUMBER,
        bad=[-1e-4, np.nan, "a", None],
        base={**WATCHED, "patience": 2, "early_stopping": True},
        check=ends_early,
    ),
    "warm_start": Knob(True, default=False, **SWITCH, check=goes_on, changes="second fit"),
    "callbacks": Knob(
        Stop(),
        default=None,
        rule=r"be None, an object with on_epoch_end\(state\)",
        bad=[print, 3, (None,), Callback],
        check=ends_after_one_epoch,
    ),
    "input_scale": Knob(
        0.5, default=1.0, rule="be a finite number > 0", bad=[0, -1, np.inf, "a", None]
    ),
    "scale": Knob(
        "standard",
        default=None,
        rule="be one of None, 'minmax', 'standard', 'robust', 'pooled', 'maxabs'",
        bad=["l2", 1, True],
    ),
    "missing": Knob("mask", default=None, rule="be one of None, 'mask'", bad=["drop", 1, True]),
    "noise": Knob(
        "uniform", default=None, rule="be one of None, 'masking', 'gaussian'", bad=["salt", 1, True]
    ),
    "noise_level": Knob(
        0.6,
        default=0.3,
        rule=NUMBER,
        bad=[-0.1, np.nan, np.inf, "a", None, True],
        base={"noise": "masking"},
    ),
    "noise_emphasis": Knob(
        3.0,
        default=1.0,
        rule=NUMBER,
        bad=[-0.1, np.nan, np.inf, "a", None, True],
        base={"noise": "masking"},
    ),
    "sparse_output": Knob(True, default=False, **SWITCH, check=makes_csr, changes="codes"),
    "dtype": Knob(
        "float32",
        default="float32",
        rule="be 'float32' or 'float64'",
        bad=["float16", int, "abc", None, 3],
    ),
    "n_threads": Knob(
        3,
        default=None,
        rule="be None or an integer from 1 to 1024",
        bad=[0, -1, 1025, 2.0, "a", True],
        check=has_threads,
        changes="threads",
    ),
    "random_state": Knob(
        4, default=None, rule="be None, an integer from 0 to", bad=[-1, 2**63, 0.5, "a", True]
    ),
    "verbose": Knob(1, default=0, rule="be 0 or 1", bad=[2, -1, "a", None], changes="progress"),
}
