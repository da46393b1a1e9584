"""Serving an aecore network from compiled code: no GIL and no allocation inside the loops."""

# cython: language_level=3

cimport cython
from aecore cimport serving


@cython.boundscheck(False)
def encode(serving.Model model not None, const serving.real[:, ::1] x, serving.real[:, ::1] out):
    """Write the codes of the rows of x into out; one call for all rows."""
    cdef int status
    if x.shape[0] != out.shape[0]:
        raise ValueError(f"out must have {x.shape[0]} rows; got {out.shape[0]}")
    if x.shape[0] == 0:
        return
    with nogil:
        status = model.encode(&x[0, 0], x.shape[0], x.shape[1], &out[0, 0], out.shape[1])
    check(status)


@cython.boundscheck(False)
def decode(serving.Model model not None, const serving.real[:, ::1] z, serving.real[:, ::1] out):
    """Write the outputs that belong to the codes z into out."""
    cdef int status
    if z.shape[0] != out.shape[0]:
        raise ValueError(f"out must have {z.shape[0]} rows; got {out.shape[0]}")
    if z.shape[0] == 0:
        return
    with nogil:
        status = model.decode(&z[0, 0], z.shape[0], z.shape[1], &out[0, 0], out.shape[1])
    check(status)


@cython.boundscheck(False)
def errors(serving.Model model not None, const float[:, ::1] x, float[::1] out):
    """Write the squared reconstruction error of every row of x into out: the application's own loop
    around the model. One row of memory is all it needs, and it is allocated before the loop."""
    cdef float[::1] x_hat = cython.view.array(
        shape=(max(x.shape[1], 1),), itemsize=sizeof(float), format="f"
    )
    cdef Py_ssize_t row, column
    cdef float total
    cdef int status = serving.OK
    if x.shape[0] != out.shape[0]:
        raise ValueError(f"out must have {x.shape[0]} rows; got {out.shape[0]}")
    with nogil:
        for row in range(x.shape[0]):
            status = model.reconstruct(&x[row, 0], 1, x.shape[1], &x_hat[0], x.shape[1])
            if status != serving.OK:
                break
            total = 0
            for column in range(x.shape[1]):
                total += (x[row, column] - x_hat[column]) ** 2
            out[row] = total
    check(status)


cdef int check(int status) except -1:
    if status != serving.OK:
        raise ValueError(serving.message(status).decode())
    return 0
