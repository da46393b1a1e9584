// A network's shape: what it is made of, and its first parameters.
#include "bindings/arrays.hpp"
#include "bindings/binders.hpp"
#include "nn/model/names.hpp"
#include "nn/model/network.hpp"

namespace aecore {

namespace {

/// (image, code, kernel, stride, padding, transposed), as aecore.reference.Convolution has them.
using Triple = std::array<index_t, 3>;
using ConvolutionTuple =
    std::tuple<Triple, Triple, Convolution::Pair, Convolution::Pair, Convolution::Pair, bool>;
using ConvolutionList = std::vector<std::optional<ConvolutionTuple>>;

Convolution convolution_of(const ConvolutionTuple& tuple) {
  const auto& [image, code, kernel, stride, padding, transposed] = tuple;
  return {{image[0], image[1], image[2]},
          {code[0], code[1], code[2]},
          kernel,
          stride,
          padding,
          transposed};
}

Network make_network(const std::vector<index_t>& sizes, const std::vector<std::string>& names,
                     bool tied_weights, index_t code_layer, index_t code_top_k, bool gaussian,
                     const ConvolutionList& list, index_t n_clusters) {
  std::vector<Activation> activations;
  for (const std::string& name : names) activations.push_back(activation_from_name(name));
  std::vector<Convolution> convolutions;
  for (const auto& each : list) {
    AECORE_REQUIRE(!each || (std::get<2>(*each)[0] > 0 && std::get<2>(*each)[1] > 0),
                   "convolutions must have kernels of at least 1 x 1");
    convolutions.push_back(each ? convolution_of(*each) : Convolution{});
  }
  return Network(sizes, activations, {tied_weights, code_layer, code_top_k, gaussian, n_clusters},
                 convolutions);
}

std::vector<std::string> activations_of(const Network& network) {
  std::vector<std::string> names;
  for (index_t l = 0; l < network.n_layers(); ++l) {
    names.push_back(to_string(network.layer(l).activation));
  }
  return names;
}

void initialize(const Network& network, py::array& parameters, std::uint64_t seed) {
  with_scalar(parameters, [&](auto scalar) {
    using T = decltype(scalar);
    network.initialize(write_pointer<T>(parameters, network.n_parameters(), "parameters"), seed);
  });
}

}  // namespace

void bind_network(py::module_& m) {
  using py::arg;
  py::class_<Network> network(m, "Network");
  network
      .def(py::init(&make_network), arg("layer_sizes"), arg("activations"), py::kw_only(),
           arg("tied_weights") = false, arg("code_layer") = -1, arg("code_top_k") = 0,
           arg("gaussian") = false, arg("convolutions") = ConvolutionList{}, arg("n_clusters") = 0)
      .def_property_readonly("tied_weights", &Network::tied)
      .def_property_readonly("layer_sizes", &Network::layer_sizes)
      .def_property_readonly("activations", &activations_of)
      .def_property_readonly("n_parameters", &Network::n_parameters)
      .def("initialize", &initialize, arg("parameters").noconvert(), arg("seed"));
  bind_forward(network);
  bind_evaluate(network);
  bind_train(m, network);
}

}  // namespace aecore
