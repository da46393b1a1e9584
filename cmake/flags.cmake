# Compiler flags. aecore_flags carries what every file is built with; aecore_add_kernels() adds what
# the files of one instruction set need. Never -march=native (the wheel runs elsewhere) and never
# -ffast-math (its start-up code turns off subnormals for the whole process).
include(CheckCXXCompilerFlag)
include(CheckCXXSourceCompiles)

add_library(aecore_flags INTERFACE)
target_include_directories(aecore_flags INTERFACE ${PROJECT_SOURCE_DIR}/csrc)
target_compile_options(aecore_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wdouble-promotion -Wnon-virtual-dtor
  -Woverloaded-virtual -Wold-style-cast -Wcast-qual -Wundef
  -ffp-contract=off) # a*b+c is rounded as it is written, on every machine
if(AECORE_WERROR)
  target_compile_options(aecore_flags INTERFACE -Werror)
endif()
if(AECORE_SANITIZE)
  set(sanitize -fsanitize=${AECORE_SANITIZE} -fno-sanitize-recover=all)
  # -O1 comes after every other -O: with more, the instrumented kernels take minutes to compile.
  target_compile_options(aecore_flags INTERFACE ${sanitize} -fno-omit-frame-pointer -O1)
  target_link_options(aecore_flags INTERFACE ${sanitize})
endif()

# aecore_architecture(<macro> <result>): does the compiler target define <macro>? The processor's name
# is no answer: it is that of the build machine, not of -arch or a cross compiler.
function(aecore_architecture macro result)
  check_cxx_source_compiles("
    #ifndef ${macro}
    #error other architecture
    #endif
    int main() { return 0; }" ${result})
endfunction()

# aecore_add_kernels(<isa> [flags...]): object library aecore_kernels_<isa> of csrc/kernels/<isa>.cpp,
# or nothing and a warning where the compiler does not know the flags.
function(aecore_add_kernels isa)
  foreach(flag IN LISTS ARGN)
    string(MAKE_C_IDENTIFIER "AECORE_KNOWS${flag}" known)
    check_cxx_compiler_flag(${flag} ${known})
    if(NOT ${known})
      message(WARNING
        "This compiler does not know ${flag}: the ${isa} kernels are left out and aecore will be slower "
        "on machines that could run them. GCC 11 or Clang 12 and newer know it.")
      return()
    endif()
  endforeach()
  add_library(aecore_kernels_${isa} OBJECT csrc/kernels/${isa}.cpp)
  target_link_libraries(aecore_kernels_${isa} PRIVATE aecore_flags)
  target_compile_options(aecore_kernels_${isa} PRIVATE
    $<$<NOT:$<CONFIG:Debug>>:-O3> # RelWithDebInfo would build the hot loops with -O2
    ${ARGN}
    -fno-exceptions # nothing throws here, and unwinding would bring a weak symbol
    -fno-math-errno -fno-trapping-math # both keep IEEE results; without them loops do not vectorise
    -Wno-psabi) # vectors are passed between inlined functions only
endfunction()
