// The only include of pybind11 in the project: all files must see it with the same casters, or the
// one-definition rule is broken without a word.
#pragma once

#include <pybind11/functional.h>
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

namespace py = pybind11;
