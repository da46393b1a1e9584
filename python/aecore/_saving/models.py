"""`save` and `load`, and pickle and deepcopy by the same bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aecore._checks.calls import checked
from aecore._checks.rules import check_params, parameter_error
from aecore._files.container import Content, pack, read, unpack, valid, write
from aecore._files.kinds import class_of, kind_of, known_base
from aecore._files.networks import PICKLE, check_known, network_parts
from aecore._files.streams import Source, Target, name_of
from aecore._files.values import MAY_BE_LEFT_OUT, decode, move
from aecore._saving.learned import learned_attributes, put_learned

# What a parameter has to be for a model file.
_OWN = "be one of aecore's own for a model file"
_FORMS = {
    "clusterer": "be a name, or one of scikit-learn's clusterers that docs/models.md lists, with "
    "numbers and names as parameters, for a model file"
}


@checked
def load(path: Source) -> Any:
    """Load a network or an estimator that `save` or a checkpoint has written.

    Nothing in the file is executed, and nothing is imported by a name from it: classes and settings
    come from closed lists. The bytes are those that were saved, or there is an error.

    Parameters
    ----------
    path : str, path-like, binary file object or bytes
        A file; or what has it: a file object that is open for reading in binary mode, and is read
        from where it stands to its end (a pipe as well), or the bytes themselves (bytes, bytearray
        or memoryview).

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
    TypeError
        If `path` is none of these, or a file object in text mode.

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
    with valid(name_of(path)):
        return build(content)


def build(content: Content) -> Any:
    """Make the network or the estimator that the content of a file describes."""
    name = content.document["kind"]
    kind = class_of(name)
    if name == "Network":
        network = kind.__new__(kind)
        network._set_state(network_parts(content))
        return network
    parameters = _parameters(content)
    check_known("parameters", parameters, kind._get_param_names())
    check_params(parameters, may_be_none=_sized_from_data(kind))
    estimator = kind(**parameters)
    estimator.__dict__.update(learned_attributes(content, kind))
    return estimator


def _parameters(content: Content) -> dict[str, Any]:
    return {name: decode(value) for name, value in content.document["parameters"].items()}


def _sized_from_data(kind: type[Any]) -> tuple[str, ...]:
    """Parameters of a class that may be None, which lets the data say them."""
    return getattr(kind, "_sized_from_data", ())


def save_estimator(estimator: Any, target: Target, *, optimizer_state: bool = True) -> None:
    """Write an estimator of aecore's own to a file."""
    content = content_of(description(estimator), vars(estimator), type(estimator))
    if not optimizer_state:
        _forget_optimizers(content)
    write(target, content)


def content_of(
    document: Mapping[str, Any], attributes: Mapping[str, Any], kind: type[Any]
) -> Content:
    """Return what a file holds of an estimator with a description and these attributes."""
    content = Content(dict(document), {})
    put_learned(content, dict(attributes), kind)  # a copy: another thread may be training it
    return content


def _forget_optimizers(content: Content) -> None:
    """Leave out the state of the optimiser, and those of an ensemble's networks."""
    for part in (content.document, *content.document.get("ensemble", {}).get("members", ())):
        part.pop("optimizer", None)
    for name in [name for name in content.tensors if "optimizer" in name.split(".")]:
        del content.tensors[name]


def description(estimator: Any) -> dict[str, Any]:
    """Return what a file says of an estimator that has learned nothing.

    Parameters go as JSON says them, None for those that no file can hold.

    Raises
    ------
    TypeError
        If the class is one of a user.
    ValueError
        If a parameter breaks its rule, or has no form and None is no choice.
    """
    kind = kind_of(estimator)
    values = estimator.get_params(deep=False)
    check_params(values, may_be_none=_sized_from_data(type(estimator)))
    encoded: dict[str, Any] = {}
    move(values, tuple(values), encoded, exact=False)
    for name, value in values.items():
        if name not in MAY_BE_LEFT_OUT:
            raise parameter_error(name, _FORMS.get(name, _OWN), value)
        encoded[name] = None
    return {"kind": kind, "parameters": encoded}


def identity(estimator: Any, learned: Mapping[str, Any]) -> dict[str, Any]:
    """Return what must be equal for a training to go on from a checkpoint; names as in a file."""
    document = description(estimator)
    names = {"feature_names": "feature_names_in_", "classes": "classes_"}
    return {
        "class": document["kind"],
        **{name: tuple(learned.get(of, ())) for name, of in names.items()},
        **document["parameters"],
    }


# --- pickle, deepcopy -----------------------------------------------------------------------------
# The state is {"file": bytes, "beside": attributes}: what has no form in a file goes as it is, and
# so does everything that would come back with another type.


def estimator_pickle(estimator: Any) -> dict[str, Any]:
    """Return the state of an estimator, maybe of a user's class."""
    beside = vars(estimator).copy()
    # A copy made while another thread trains the original is itself not in training.
    beside.pop("_training_token", None)
    kind = known_base(type(estimator))
    parameters: dict[str, Any] = {}
    move(beside, kind._get_param_names(), parameters, exact=True)
    content = Content({"kind": kind.__name__, "parameters": parameters}, {})
    put_learned(content, beside, kind, exact=True)
    return {"file": b"".join(pack(content)), "beside": beside}


def restore_estimator(estimator: Any, state: dict[str, Any]) -> None:
    """Invert `estimator_pickle` on a bare object."""
    kind = known_base(type(estimator))
    with valid(PICKLE):
        content = unpack(state["file"], PICKLE)
        defaults = vars(kind(**_parameters(content)))
        learned = learned_attributes(content, kind, complete=False)
        estimator.__dict__.update(defaults | learned | state["beside"])
