"""The core's objective from the flat names of settings that `aecore.reference` and users write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aecore import _core

_NOISE = {"noise": "kind", "noise_level": "level", "noise_emphasis": "emphasis"}


def core_objective(**settings: Any) -> _core.Objective:
    """Sort what belongs to the input and to the noise into structs of their own."""
    from aecore import _core

    entering = {name: settings.pop(name) for name in _core.Input.__fields__ if name in settings}
    noise = {_NOISE[name]: settings.pop(name) for name in _NOISE if name in settings}
    return _core.Objective(input=_core.Input(**entering), noise=_core.Noise(**noise), **settings)
