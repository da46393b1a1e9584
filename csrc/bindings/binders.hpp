// One function per bound subject; module.cpp calls them.
#pragma once

#include "bindings/pybind11.hpp"

namespace aecore {

void bind_options(py::module_& m);
void bind_network(py::module_& m);
void bind_build(py::module_& m);
void bind_clustering(py::module_& m);
void bind_numerics(py::module_& m);
void bind_ranking(py::module_& m);
void bind_running(py::module_& m);
void bind_serving(py::module_& m);

}  // namespace aecore
