// Every kernel body, in the order of their needs; the table that names them comes last.
#include "kernels/math-inl.hpp"
//
#include "kernels/tile-inl.hpp"
//
#include "kernels/patches-inl.hpp"
//
#include "kernels/nonzero-inl.hpp"
//
#include "kernels/gemm-inl.hpp"
#include "kernels/packing-inl.hpp"
#include "kernels/sparse-inl.hpp"
//
#include "kernels/sampled-inl.hpp"
//
#include "kernels/activations-inl.hpp"
#include "kernels/losses-inl.hpp"
#include "kernels/softmax-inl.hpp"
//
#include "kernels/enter-inl.hpp"
#include "kernels/gather-inl.hpp"
#include "kernels/peak-inl.hpp"
#include "kernels/rowstep-inl.hpp"
#include "kernels/sums-inl.hpp"
#include "kernels/updates-inl.hpp"
//
#include "kernels/dropout-inl.hpp"
#include "kernels/gaussian-inl.hpp"
//
#include "kernels/clusters-inl.hpp"
//
#include "kernels/table-inl.hpp"
