#include "kernels/dispatch.hpp"

#include <cstdlib>

#include "core/errors.hpp"

namespace aecore {

#if AECORE_HAVE_AVX512
extern const KernelTable kAvx512Table;
#endif
#if AECORE_HAVE_AVX2
extern const KernelTable kAvx2Table;
#endif
#if AECORE_HAVE_NEON
extern const KernelTable kNeonTable;
#endif
extern const KernelTable kPortableTable;

namespace {

// __builtin_cpu_supports asks for the operating system's support of the registers too.
std::vector<const KernelTable*> available_tables() {
  std::vector<const KernelTable*> tables;
#if AECORE_HAVE_AVX512
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl")) {
    tables.push_back(&kAvx512Table);
  }
#endif
#if AECORE_HAVE_AVX2
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
      __builtin_cpu_supports("bmi2")) {
    tables.push_back(&kAvx2Table);
  }
#endif
#if AECORE_HAVE_NEON
  tables.push_back(&kNeonTable);
#endif
  tables.push_back(&kPortableTable);
  return tables;
}

const KernelTable& choose() {
  const std::vector<const KernelTable*> tables = available_tables();
  const char* const wanted = std::getenv("AECORE_ISA");
  if (wanted == nullptr || *wanted == '\0') return *tables.front();
  std::string names;
  for (const KernelTable* table : tables) {
    if (std::string(wanted) == table->name) return *table;
    names += (names.empty() ? "" : ", ") + std::string(table->name);
  }
  throw std::invalid_argument("AECORE_ISA must be one of " + names + " on this machine; got " +
                              wanted);
}

}  // namespace

const KernelTable& kernel_table() {
  static const KernelTable& chosen = choose();
  return chosen;
}

std::vector<std::string> available_instruction_sets() {
  std::vector<std::string> names;
  for (const KernelTable* table : available_tables()) names.emplace_back(table->name);
  return names;
}

}  // namespace aecore
