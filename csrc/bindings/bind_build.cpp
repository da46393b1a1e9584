// What was built and what runs: the facts of a bug report.
#include "bindings/binders.hpp"
#include "core/limits.hpp"
#include "core/threads.hpp"
#include "kernels/dispatch.hpp"

namespace aecore {

namespace {

py::dict show_build() {
  py::dict build;
  build["compiler"] = AECORE_COMPILER;
  build["build_type"] = AECORE_BUILD_TYPE;
  build["isa"] = kernel_table().name;
  build["isa_available"] = available_instruction_sets();
  build["threading"] = threading_backend();
  return build;
}

}  // namespace

void bind_build(py::module_& m) {
  m.def("show_build", &show_build);
  m.def("default_n_threads", &default_n_threads);
}

}  // namespace aecore
