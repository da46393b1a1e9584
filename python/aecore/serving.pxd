# What other compiled code may `cimport`: a network behind C pointers. docs/serving.md has an example.

cdef enum:
    # What Model's methods return; the numbers keep their meaning.
    OK = 0
    NULL_POINTER = 1  # x or out is NULL
    WRONG_SIZE = 2    # n_rows is negative, or n_in or n_out is not the width of the network's layer
    WRONG_DTYPE = 3   # float for a float64 network, or the other way round
    NO_DECODER = 4    # the network ends with its code
    NOT_FINITE = 5    # a row of x holds NaN or infinity; the rows before it are written

ctypedef fused real:
    float
    double

cdef class Model:
    cdef readonly object network  # keeps the parameters alive
    cdef object _capsule          # keeps the entry alive
    cdef void* _entry

    # out (n_rows x n_out) from x (n_rows x n_in), both row-major, contiguous and without overlap.
    cdef int encode(self, const real* x, Py_ssize_t n_rows, Py_ssize_t n_in,
                    real* out, Py_ssize_t n_out) noexcept nogil
    cdef int decode(self, const real* z, Py_ssize_t n_rows, Py_ssize_t n_in,
                    real* out, Py_ssize_t n_out) noexcept nogil
    cdef int reconstruct(self, const real* x, Py_ssize_t n_rows, Py_ssize_t n_in,
                         real* out, Py_ssize_t n_out) noexcept nogil

# A sentence for what a method returned.
cdef const char* message(int status) noexcept nogil
