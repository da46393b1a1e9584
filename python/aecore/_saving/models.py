"""`save` and `load`, and pickle and deepcopy by the same bytes."""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

from aecore._checks.rules import check_params, parameter_error
from aecore._files.container import Content, pack, read, unpack, valid, write
from aecore._files.values import ESTIMATORS, MAY_BE_LEFT_OUT, decode
from aecore._saving.ensemble import ensemble_attributes, put_ensemble
from aecore._saving.learned import (
    check_known,
    learned_attributes,
    move,
    network_state,
    put_estimator,
    put_network,
)

if TYPE_CHECKING:
    from aecore.autoencoder import Autoencoder
    from aecore.network import Network

# All classes that a file may name.
_MODULES = {**ESTIMATORS, "Network": "aecore.network"}
_PICKLE = "this pickle of an aecore model"


def load(path: str | os.PathLike[str]) -> Any:
    """Load a network or an estimator that `save` or a checkpoint has written.

    Nothing in the file is executed, and nothing is imported by a name from it: classes and settings
    come from closed lists. The bytes are those that were saved, or there is an error.

    Parameters
    ----------
    path : str or path-like

    Returns
    -------
    Network or estimator
        Of the class that was saved, and with the same bits in every result.

    Raises
    ------
    ModelFileError
        If the file is cut off, damaged, of another kind, or of a newer aecore.
    OSError
        If it is not there (FileNotFoundError) or cannot be read.

    See Also
    --------
    Network.save, Autoencoder.save

    Examples
    --------
    >>> import aecore
    >>> net = aecore.Network([4, 2, 4], ["sigmoid", "sigmoid"], random_state=0)
    >>> net.save("network.safetensors")
    >>> aecore.load("network.safetensors").layer_sizes
    [4, 2, 4]
    """
    content = read(path)
    with valid(repr(os.fspath(path))):
        return build(content)


def build(content: Content) -> Any:
    """Make the network or the estimator that the content of a file describes."""
    name = content.document["kind"]
    kind = getattr(importlib.import_module(_MODULES[name]), name)
    if name == "Network":
        network = kind.__new__(kind)
        network._set_state(network_state(content))
        return network
    parameters = _parameters(content)
    check_known("parameters", parameters, kind._get_param_names())
    check_params(parameters, may_be_none=_sized_from_data(kind))
    estimator = kind(**parameters)
    estimator.__dict__.update(learned_attributes(content) | ensemble_attributes(content))
    return estimator


def _parameters(content: Content) -> dict[str, Any]:
    return {name: decode(value) for name, value in content.document["parameters"].items()}


def _sized_from_data(kind: type[Any]) -> tuple[str, ...]:
    """Parameters of a class that may be None, which lets the data say them."""
    return getattr(kind, "_sized_from_data", ())


def save_network(network: Network, path: str | os.PathLike[str]) -> None:
    """Do what `Network.save` says."""
    content = Content({"kind": kind_of(network)}, {})
    put_network(content, network)
    write(path, pack(content))


def save_estimator(
    estimator: Autoencoder, path: str | os.PathLike[str], *, optimizer_state: bool
) -> None:
    """Do what `Autoencoder.save` says."""
    content = Content({"kind": kind_of(estimator), "parameters": file_parameters(estimator)}, {})
    attributes = vars(estimator).copy()  # in one step: another thread may be training it
    if not optimizer_state:
        attributes.pop("_optimizer_state", None)
    put_ensemble(content, attributes, optimizer_state=optimizer_state)
    put_estimator(content, attributes)
    write(path, pack(content))


def kind_of(model: Any) -> str:
    """Return the name of the model's class.

    Raises
    ------
    TypeError
        If it is not one of aecore's own: a file could not say what it adds.
    """
    kind = type(model)
    if _MODULES.get(kind.__name__) != kind.__module__:
        msg = (
            f"a model file holds objects of aecore's own classes; got one of {kind.__module__}."
            f"{kind.__qualname__}, which pickle keeps"
        )
        raise TypeError(msg)
    return kind.__name__


def file_parameters(estimator: Autoencoder) -> dict[str, Any]:
    """Return the constructor parameters as JSON says them; None for those that no file can hold.

    Raises
    ------
    ValueError
        If one breaks its rule, or has no form and None is no choice.
    """
    values = estimator.get_params(deep=False)
    check_params(values, may_be_none=_sized_from_data(type(estimator)))
    encoded: dict[str, Any] = {}
    move(values, tuple(values), encoded, exact=False)
    for name, value in values.items():
        if name not in MAY_BE_LEFT_OUT:
            raise parameter_error(name, "be one of aecore's own for a model file", value)
        encoded[name] = None
    return encoded


# --- pickle, deepcopy -----------------------------------------------------------------------------
# The state is {"file": bytes, "beside": attributes}: what has no form in a file goes as it is, and
# so does everything that would come back with another type.


def network_pickle(network: Network) -> dict[str, Any]:
    """Return the state of a network."""
    content = Content({"kind": "Network"}, {})
    put_network(content, network)
    beside = {name: value for name, value in vars(network).items() if name not in network._OWN}
    return {"file": b"".join(pack(content)), "beside": beside}


def restore_network(network: Network, state: dict[str, Any]) -> None:
    """Invert `network_pickle` on a bare object."""
    with valid(_PICKLE):
        network._set_state(network_state(unpack(state["file"], _PICKLE)))
        network.__dict__.update(state["beside"])


def estimator_pickle(estimator: Autoencoder) -> dict[str, Any]:
    """Return the state of an estimator, maybe of a user's class."""
    beside = vars(estimator).copy()
    # A copy made while another thread trains the original is itself not in training.
    beside.pop("_training_token", None)
    kind = _known_base(type(estimator))
    parameters: dict[str, Any] = {}
    move(beside, kind._get_param_names(), parameters, exact=True)
    content = Content({"kind": kind.__name__, "parameters": parameters}, {})
    put_ensemble(content, beside)
    put_estimator(content, beside, exact=True)
    return {"file": b"".join(pack(content)), "beside": beside}


def restore_estimator(estimator: Autoencoder, state: dict[str, Any]) -> None:
    """Invert `estimator_pickle` on a bare object."""
    kind = _known_base(type(estimator))
    with valid(_PICKLE):
        content = unpack(state["file"], _PICKLE)
        defaults = vars(kind(**_parameters(content)))
        learned = learned_attributes(content) | ensemble_attributes(content)
        estimator.__dict__.update(defaults | learned | state["beside"])


def _known_base(kind: type[Any]) -> Any:
    return next(base for base in kind.__mro__ if _MODULES.get(base.__name__) == base.__module__)
