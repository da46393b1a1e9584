// Products of patches: what a convolution is, in both directions (see Patches in calls.hpp). The
// rows of a patch are read where they lie, as runs of columns of A: nothing is gathered.

/// One tile of a group: c = the sum of its runs.
template <class T, int MR, int NV>
void patch_kernel(const T* a, index_t a_stride, const PatchRun* run, const PatchRun* end,
                  const T* b, T* c) {
  constexpr index_t kW = kWidth<T>;
  tile<T, MR, NV>(c, kW, false, NoLines{}, [=](auto step) AECORE_INLINE_LAMBDA {
    for (const PatchRun* r = run; r != end; ++r) {
      const T* column = a + (r->column / kW) * a_stride + r->column % kW;
      const T* const last = column + r->terms;
      const T* row = b + r->b_row * kW;
      for (; column != last; ++column, row += kW) step(column, kW, row);
    }
  });
}

template <class T>
using PatchKernel = void (*)(const T*, index_t, const PatchRun*, const PatchRun*, const T*, T*);

/// The kernels for 1..kTileRows rows, by [NV - 1][MR - 1].
template <class T>
struct PatchKernels {
  PatchKernel<T> at[kVectors][kTileRows];
  template <int... R>
  static constexpr PatchKernels make(Rows<R...>) {
    return {{{&patch_kernel<T, R + 1, 1>...}, {&patch_kernel<T, R + 1, 2>...}}};
  }
};

/// Columns within one panel each way; zeros where `from` is null.
template <class T>
inline void copy_piece(const T* from, index_t n, index_t rows, T* to) {
  constexpr index_t kW = kWidth<T>;
  constexpr index_t kLanes = Simd<T>::kLanes;
  for (index_t first = 0; first < n; first += kLanes) {
    const index_t left = n - first;
    for (index_t i = first; i < rows * kW; i += kW) {
      const Vec<T> v = from == nullptr  ? Vec<T>{}
                       : left >= kLanes ? load(from + i)
                                        : load_partial(from + i, left);
      if (left >= kLanes) {
        store(to + i, v);
      } else {
        store_partial(to + i, v, left);
      }
    }
  }
}

template <class T>
void copy_columns(const T* from, index_t from_stride, index_t column, index_t n, index_t rows,
                  T* to, index_t to_stride, index_t to_column) {
  constexpr index_t kW = kWidth<T>;
  while (n > 0) {
    const index_t piece =
        smaller(n, smaller(from != nullptr ? kW - column % kW : n, kW - to_column % kW));
    const T* const source =
        from != nullptr ? from + (column / kW) * from_stride + column % kW : nullptr;
    copy_piece(source, piece, rows, to + (to_column / kW) * to_stride + to_column % kW);
    column += piece;
    to_column += piece;
    n -= piece;
  }
}

/// Rows [row, row + rows) of the columns of one group. Where its columns begin with a vector of C's
/// panel, the tile is made in place: what it writes beyond them belongs to the next group, which
/// comes later, or is nobody's.
template <class T>
inline void multiply_group(const GemmCall<T>& call, const PatchKernel<T> (*kernels)[kTileRows],
                           const PatchGroup& group, index_t row, index_t rows) {
  constexpr index_t kW = kWidth<T>;
  constexpr index_t kLanes = Simd<T>::kLanes;
  const T* const a = call.a + row * kW;
  const PatchRun* const runs = call.patches->runs;
  T* const c = call.c + (row - call.c_first_row) * kW;
  alignas(64) T scratch[kTileRows * kW];
  for (index_t done = 0; done < group.n_columns; done += kW) {
    const index_t column = group.column + done;
    const index_t columns = smaller(kW, group.n_columns - done);
    const bool narrow = columns <= kLanes;
    const bool in_place = column % kLanes == 0 && column % kW + (narrow ? kLanes : kW) <= kW;
    T* const to = in_place ? c + (column / kW) * call.c_stride + column % kW : scratch;
    kernels[narrow ? 0 : 1][rows - 1](a, call.a_stride, runs + group.first_run,
                                      runs + group.end_run, call.b + (done / kW) * call.b_stride,
                                      to);
    if (!in_place) copy_columns<T>(scratch, 0, 0, columns, rows, c, call.c_stride, column);
  }
}

/// A tile's height of rows after the other: their patches overlap, and stay in the cache.
template <class T>
void multiply_patches(const GemmCall<T>& call) {
  static constexpr auto kKernels = PatchKernels<T>::make(TileHeights{});
  constexpr index_t kW = kWidth<T>;
  const Patches& patches = *call.patches;
  index_t row = call.row_begin;
  while (row < call.row_end) {
    const index_t rows = tile_height(call.row_end - row);
    index_t panel = 0;  // the first that is not complete
    for (index_t g = 0; g < patches.n_groups; ++g) {
      const PatchGroup& group = patches.groups[g];
      if (group.column % kW == 0 && call.prologue != nullptr) {
        call.prologue(call.context, row, rows, group.column);
      }
      multiply_group(call, kKernels.at, group, row, rows);
      const index_t end = group.column + group.n_columns;
      if (end == call.column_end && end % kW != 0) {  // no junk
        T* const c = call.c + (row - call.c_first_row) * kW;
        copy_columns<T>(nullptr, 0, 0, kW - end % kW, rows, c, call.c_stride, end);
      }
      for (; call.epilogue != nullptr && panel * kW < call.column_end; ++panel) {
        if (smaller((panel + 1) * kW, call.column_end) > end) break;
        call.epilogue(call.context, call.c + panel * call.c_stride + (row - call.c_first_row) * kW,
                      row, rows, panel * kW, smaller(kW, call.column_end - panel * kW));
      }
    }
    row += rows;
  }
}
