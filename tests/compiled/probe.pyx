"""What tests/serving/test_serving.py asks of aecore.serving beyond the example: statuses, many calls."""

# cython: language_level=3, boundscheck=False

from libc.stddef cimport size_t

from aecore cimport serving

ctypedef long (*Count)() noexcept nogil


def statuses(serving.Model model not None, Py_ssize_t n_in, Py_ssize_t n_out):
    """The status of calls that must fail, by what is wrong with them; widths are the true ones."""
    cdef float[:, ::1] x = _rows(2, n_in)
    cdef float[:, ::1] out = _rows(2, n_out)
    cdef double[1] wide = [0.0]
    cdef float* nothing = NULL
    return {
        "right": model.encode(&x[0, 0], 2, n_in, &out[0, 0], n_out),
        "no rows": model.encode(nothing, 0, n_in, nothing, n_out),
        "x is NULL": model.encode(nothing, 2, n_in, &out[0, 0], n_out),
        "out is NULL": model.encode(&x[0, 0], 2, n_in, nothing, n_out),
        "negative rows": model.encode(&x[0, 0], -1, n_in, &out[0, 0], n_out),
        "narrow x": model.encode(&x[0, 0], 2, n_in - 1, &out[0, 0], n_out),
        "wide x": model.encode(&x[0, 0], 2, n_in + 1, &out[0, 0], n_out),
        "negative width": model.encode(&x[0, 0], 2, -n_in, &out[0, 0], n_out),
        "wide out": model.encode(&x[0, 0], 2, n_in, &out[0, 0], n_out + 1),
        "code as x": model.encode(&out[0, 0], 2, n_out, &x[0, 0], n_in),
        "x as code": model.decode(&x[0, 0], 2, n_in, &out[0, 0], n_out),
        "narrow reconstruction": model.reconstruct(&x[0, 0], 2, n_in, &out[0, 0], n_out),
        "other dtype": model.encode(&wide[0], 1, n_in, &wide[0], n_out),
    }


def decode_status(serving.Model model not None):
    """The status of `decode`, with memory for no row."""
    cdef float x = 0
    return model.decode(&x, 0, 1, &x, 1)


def not_finite(serving.Model model not None, const float[:, ::1] x, float[:, ::1] out):
    """The status of `encode` on rows as they are."""
    return model.encode(&x[0, 0], x.shape[0], x.shape[1], &out[0, 0], out.shape[1])


def sentence(int status):
    """What `message` says."""
    return serving.message(status).decode()


def encode_rows(
    serving.Model model not None, const float[:, ::1] x, float[:, ::1] out, Py_ssize_t rounds
):
    """Encode every row by a call of its own, `rounds` times; how many calls failed."""
    cdef Py_ssize_t i, row, failed = 0
    with nogil:
        for i in range(rounds):
            for row in range(x.shape[0]):
                if model.encode(&x[row, 0], 1, x.shape[1], &out[row, 0], out.shape[1]) != serving.OK:
                    failed += 1
    return failed


def allocations(
    serving.Model model not None, const float[:, ::1] x, float[:, ::1] codes,
    float[:, ::1] outputs, Py_ssize_t rounds, size_t counter,
):
    """What the C function at address `counter` counted while rows were encoded and decoded."""
    cdef Count count = <Count>counter
    cdef Py_ssize_t i, row
    cdef long before, after
    with nogil:
        before = count()
        for i in range(rounds):
            for row in range(x.shape[0]):
                model.encode(&x[row, 0], 1, x.shape[1], &codes[row, 0], codes.shape[1])
                model.decode(
                    &codes[row, 0], 1, codes.shape[1], &outputs[row, 0], outputs.shape[1])
        after = count()
    return after - before


cdef _rows(n_rows, n_columns):
    import numpy as np

    return np.zeros((n_rows, n_columns), np.float32)
