"""Clusterers of scikit-learn in a model file: which ones, and what their parameters may be there.

Numbers, names and None, and where a parameter takes them, arrays of numbers and numbers by name. So
nothing in a file makes a later `fit` call something, or read or write a folder.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from aecore._checks.rules import parameter_error

MODULES = {
    "AgglomerativeClustering": "sklearn.cluster",
    "DBSCAN": "sklearn.cluster",
    "HDBSCAN": "sklearn.cluster",
    "KMeans": "sklearn.cluster",
    "MiniBatchKMeans": "sklearn.cluster",
    "GaussianMixture": "sklearn.mixture",
}
# What loads as None where no file may hold it: a generator, and the folder of one machine where a
# clusterer keeps pickles of what it has computed.
LEFT_OUT = ("memory", "random_state")


class Form(NamedTuple):
    """What a value may be: the sentence after "must", and the test behind it."""

    rule: str
    holds: Callable[[Any], bool]


def _is_numbers(value: Any) -> bool:
    """Whether it is a number, or an array of numbers as nested tuples."""
    if isinstance(value, tuple):
        return all(map(_is_numbers, value))
    return isinstance(value, bool | int | float)


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, bool | int | float | str)


_PLAIN = Form("be a number, a name or None", _is_plain)
_ARRAY = Form("be None or an array of numbers", lambda value: value is None or _is_numbers(value))
_FORMS = {
    "memory": Form("be None", lambda value: value is None),
    **dict.fromkeys(("connectivity", "means_init", "precisions_init", "weights_init"), _ARRAY),
    "init": Form(
        "be a name or an array of numbers",
        lambda value: isinstance(value, str) or _is_numbers(value),
    ),
    "metric_params": Form(
        "be None or numbers by name",
        lambda value: (
            value is None
            or (
                type(value) is dict
                and all(map(_is_plain, value))
                and _is_numbers((*value.values(),))
            )
        ),
    ),
}
# All others of the classes above, in the versions of scikit-learn there are.
_NUMBERS_AND_NAMES = (
    "algorithm",
    "allow_single_cluster",
    "alpha",
    "batch_size",
    "cluster_selection_epsilon",
    "cluster_selection_method",
    "compute_distances",
    "compute_full_tree",
    "compute_labels",
    "copy",
    "copy_x",
    "covariance_type",
    "distance_threshold",
    "eps",
    "init_params",
    "init_size",
    "leaf_size",
    "linkage",
    "max_cluster_size",
    "max_iter",
    "max_no_improvement",
    "metric",
    "min_cluster_size",
    "min_samples",
    "n_clusters",
    "n_components",
    "n_init",
    "n_jobs",
    "p",
    "random_state",
    "reassignment_ratio",
    "reg_covar",
    "store_centers",
    "tol",
    "verbose",
    "verbose_interval",
    "warm_start",
)
_FORMS |= dict.fromkeys(_NUMBERS_AND_NAMES, _PLAIN)
_UNKNOWN = Form("be a parameter that aecore knows", lambda _: False)


def check_setting(name: str, value: Any) -> None:
    """Raise ValueError unless a parameter may be so in a file, which gives arrays as tuples."""
    form = _FORMS.get(name, _UNKNOWN)
    if not form.holds(value):
        raise parameter_error(f"{name} of a clusterer in a model file", form.rule, value)


def settings_of(clusterer: Any) -> dict[str, Any]:
    """Return a clusterer's parameters, without those that a newer scikit-learn has by default."""
    defaults = type(clusterer)().get_params(deep=False)
    return {
        name: value
        for name, value in clusterer.get_params(deep=False).items()
        if name in _FORMS or value is not defaults[name]
    }
