"""What every estimator does with its attributes: one training at a time, files, pickles, copies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

from aecore._checks.calls import (
    answered,
    check_calls,
    check_parameter_names,
    checked,
    missing_attribute,
)
from aecore._files.streams import Target
from aecore._saving import models
from aecore._saving.learned import Learned, declared

if TYPE_CHECKING:
    from typing_extensions import Self


class Model:
    """The base of estimators; a class lists what it learns besides its bases."""

    _learned: ClassVar[dict[str, Learned]] = {}
    # Those that every fitted one has, whatever its parameters and the version that made its file.
    _always_learned: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        check_calls(cls, answered)

    @classmethod
    def _check_learned(cls, learned: Mapping[str, Any]) -> None:
        """Raise ValueError where attributes from a file do not fit each other."""

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        """Let one thread train this estimator; a second one gets RuntimeError, not a mixture."""
        token = object()
        # setdefault is atomic, and unlike a lock a token does not stand in the way of pickle.
        if self.__dict__.setdefault("_training_token", token) is not token:
            msg = (
                f"this {type(self).__name__} is being trained by another thread; "
                "use a clone of it, or wait"
            )
            raise RuntimeError(msg)
        try:
            yield
        finally:
            del self.__dict__["_training_token"]

    def _publish(self, learned: Mapping[str, Any]) -> None:
        """Write what was learned in one step, so that no thread sees half of a model.

        Attributes that the class may learn and this training has not learned are deleted.
        """
        for name in declared(type(self)):
            if name not in learned:
                self.__dict__.pop(name, None)
        self.__dict__.update(learned)

    def set_params(self, **params: Any) -> Self:
        """Set parameters by name; `estimator__parameter` is one of an estimator's.

        Parameters
        ----------
        **params
            As in the class.

        Returns
        -------
        self : estimator

        Raises
        ------
        ValueError
            If there is no parameter of a name.
        """
        check_parameter_names(self, params)
        return super().set_params(**params)  # type: ignore[no-any-return, misc]

    if not TYPE_CHECKING:

        def __getattr__(self, name):
            return missing_attribute(self, name)

    @checked
    def save(self, path: Target, *, optimizer_state: bool = True) -> None:
        """Write the estimator to a file that `aecore.load` reads.

        The file is safetensors with a checksum, written whole or not at all: a crash leaves what
        was there before. It holds the parameters and all that was learned, so that `partial_fit`
        after `load` gives the same bits as without it. What no file can hold is left out and loads
        as None: `callbacks`, a `random_state` that is no integer, and a `learning_rate_schedule`
        or `beta_schedule` that is, or contains, a function of yours. So are attributes and settings
        that are not aecore's, such as those of `set_output`. Pickle keeps all of them.
        docs/models.md says more.

        Parameters
        ----------
        path : str, path-like or binary file object
            A file object is open for writing in binary mode; it is written to where it stands and
            stays open, and what it has got of a write that fails is left there.
        optimizer_state : bool, default=True
            Whether `partial_fit` can go on with the optimiser's state, as large as the parameters
            or (Adam) twice as large; without it the optimiser begins anew.

        Raises
        ------
        OSError
            If the file cannot be written.
        TypeError
            If the estimator is of a class of your own, or `path` is none of these.
        ValueError
            If a parameter breaks its rule, or `optimizer` is of a class of your own.
        """
        models.save_estimator(self, path, optimizer_state=optimizer_state)

    def __getstate__(self) -> dict[str, Any]:
        return models.estimator_pickle(self)

    def __setstate__(self, state: dict[str, Any]) -> None:
        if "file" in state:
            models.restore_estimator(self, state)
        else:  # a recommender of 0.1.0, whose pickles had the attributes themselves
            super().__setstate__(state)  # type: ignore[misc]

    def __copy__(self) -> Self:
        # A copy made while another thread trains the original is itself not in training.
        copied = type(self).__new__(type(self))
        copied.__dict__.update(self.__dict__.copy())
        copied.__dict__.pop("_training_token", None)
        return copied
