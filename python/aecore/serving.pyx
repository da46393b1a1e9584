# cython: language_level=3, embedsignature=True
"""Networks for compiled callers: `cimport aecore.serving` and pass C pointers, without the GIL.

The functions come from `aecore._core` through a capsule, so both share one copy of the kernels.
From Python there is nothing to call here but `Model(network)`: use `aecore.Network` instead.
"""

from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.stdint cimport int64_t

from aecore import _core
from aecore.network import Network


cdef extern from "nn/serve/serve.hpp" namespace "aecore" nogil:
    struct ServingEntry:
        void* server
        int (*forward_float)(
            void*, int, const float*, int64_t, int64_t, float*, int64_t) noexcept nogil
        int (*forward_double)(
            void*, int, const double*, int64_t, int64_t, double*, int64_t) noexcept nogil

    const char* kServingCapsule

    cdef enum class ServePart(int):
        encode
        decode
        reconstruct


cdef inline int forward(
    const ServingEntry* entry, ServePart part, const real* x, Py_ssize_t n_rows, Py_ssize_t n_in,
    real* out, Py_ssize_t n_out,
) noexcept nogil:
    if entry == NULL:
        return NULL_POINTER
    if real is float:
        if entry.forward_float == NULL:
            return WRONG_DTYPE
        return entry.forward_float(entry.server, <int>part, x, n_rows, n_in, out, n_out)
    else:
        if entry.forward_double == NULL:
            return WRONG_DTYPE
        return entry.forward_double(entry.server, <int>part, x, n_rows, n_in, out, n_out)


cdef class Model:
    """A network whose `encode`, `decode` and `reconstruct` compiled code can call.

    The C methods (see `serving.pxd`) take rows of the network's own dtype, need no GIL, allocate
    nothing and return a status. They run on the calling thread. Threads may share a `Model`, but
    take turns row by row; for threads side by side make one for each. The weights are not copied:
    all models of a network read its `parameters`, as they are at the time of the call.

    Parameters
    ----------
    network : Network
        For an estimator, its `network_`.

    Raises
    ------
    TypeError
        If `network` is something else.
    ValueError
        If it belongs to an estimator with `scale` or `missing`.

    Examples
    --------
    >>> import aecore
    >>> from aecore.serving import Model
    >>> network = aecore.Network([4, 2, 4], ["sigmoid", "sigmoid"])
    >>> Model(network).network is network
    True
    """

    def __cinit__(self, network):
        if not isinstance(network, Network):
            raise TypeError(f"network must be an aecore.Network; got {type(network).__name__}")
        entry = network._input
        if entry.offset is not None or entry.mask_missing or network._output is not None:
            raise ValueError(
                "network must neither scale columns nor mask missing numbers; got one of an "
                "estimator with `scale` or `missing`"
            )
        self.network = network
        self._capsule = _core.serving_entry(
            network._core,
            network.parameters,
            network.code_layer,
            network.input_scale,
            network._input.log1p,
        )
        self._entry = PyCapsule_GetPointer(self._capsule, kServingCapsule)

    cdef int encode(self, const real* x, Py_ssize_t n_rows, Py_ssize_t n_in,
                    real* out, Py_ssize_t n_out) noexcept nogil:
        return forward(<ServingEntry*>self._entry, ServePart.encode, x, n_rows, n_in, out, n_out)

    cdef int decode(self, const real* z, Py_ssize_t n_rows, Py_ssize_t n_in,
                    real* out, Py_ssize_t n_out) noexcept nogil:
        return forward(<ServingEntry*>self._entry, ServePart.decode, z, n_rows, n_in, out, n_out)

    cdef int reconstruct(self, const real* x, Py_ssize_t n_rows, Py_ssize_t n_in,
                         real* out, Py_ssize_t n_out) noexcept nogil:
        return forward(
            <ServingEntry*>self._entry, ServePart.reconstruct, x, n_rows, n_in, out, n_out
        )


cdef const char* message(int status) noexcept nogil:
    if status == OK:
        return "no error"
    if status == NULL_POINTER:
        return "x and out must be pointers to rows; got NULL"
    if status == WRONG_SIZE:
        return "n_rows must be >= 0, n_in and n_out the widths of the network's layers"
    if status == WRONG_DTYPE:
        return "x and out must have the network's dtype"
    if status == NO_DECODER:
        return "decode needs layers after the code; this network ends with it"
    if status == NOT_FINITE:
        return "x must be finite; got NaN or infinity"
    return "status must be one that a Model returned"
