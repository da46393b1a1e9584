"""What was meant by a name that is almost right, or right in another library."""

from __future__ import annotations

import difflib
import re
from typing import Any

_QUOTED = re.compile(r"'([^']+)'")
_LONGEST = 40
# Names of other libraries that look nothing like ours.
_ELSEWHERE = {
    "mse": "squared_error",
    "mseloss": "squared_error",
    "l2": "squared_error",
    "mean_squared_error": "squared_error",
    "mae": "absolute_error",
    "l1": "absolute_error",
    "l1loss": "absolute_error",
    "mean_absolute_error": "absolute_error",
    "smooth_l1": "huber",
    "bce": "binary_cross_entropy",
    "bceloss": "binary_cross_entropy",
    "log_loss": "binary_cross_entropy",
    "cross_entropy": "binary_cross_entropy",
    "crossentropy": "binary_cross_entropy",
    "categorical_crossentropy": "multinomial",
    "linear": "identity",
    "swish": "silu",
    "logistic": "sigmoid",
    "xavier": "glorot",
    "xavier_uniform": "glorot_uniform",
    "xavier_normal": "glorot_normal",
    "kaiming": "he",
    "kaiming_uniform": "he_uniform",
    "kaiming_normal": "he_normal",
    "zscore": "standard",
    "dropout": "masking",
    "normal": "gaussian",
}


def proposal(value: Any, rule: str) -> str:
    """Say which of the names quoted in `rule` was meant by `value`; nothing if none is near."""
    names = _QUOTED.findall(rule)
    if not isinstance(value, str) or len(value) > _LONGEST or value in names:
        return ""
    plain = value.lower().replace("-", "_").replace(" ", "_")
    elsewhere = _ELSEWHERE.get(plain)
    near = difflib.get_close_matches(plain, names, n=1, cutoff=0.75)
    squeezed = [name for name in names if name.replace("_", "") == plain.replace("_", "")]
    meant = squeezed or ([elsewhere] if elsewhere in names else near)
    return f": did you mean {meant[0]!r}?" if meant else ""
