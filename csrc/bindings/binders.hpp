// One function per bound subject; module.cpp calls them, bind_network those of a network's methods.
#pragma once

#include "bindings/pybind11.hpp"
#include "nn/model/network.hpp"

namespace aecore {

void bind_options(py::module_& m);
void bind_data(py::module_& m);
void bind_network(py::module_& m);
void bind_forward(py::class_<Network>& network);
void bind_evaluate(py::class_<Network>& network);
void bind_train(py::module_& m, py::class_<Network>& network);
void bind_build(py::module_& m);
void bind_clustering(py::module_& m);
void bind_numerics(py::module_& m);
void bind_ranking(py::module_& m);
void bind_running(py::module_& m);
void bind_serving(py::module_& m);

}  // namespace aecore
