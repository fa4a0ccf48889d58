// Memory for coroutine frames and connections: recycled by each thread for itself.
//
// The lists belong to threads and never to a loop, because a frame may be created before its loop
// runs, be destroyed after it and die on another thread.
#pragma once

#include <cstddef>

namespace tidemill {

/// Memory of at least `size_bytes`, aligned as operator new aligns. Throws std::bad_alloc.
/// Thread: any.
[[nodiscard]] void* allocate_frame(std::size_t size_bytes);

/// Returns what `allocate_frame` gave for the same size. Thread: any, whoever allocated; also
/// while a thread or the program ends.
void release_frame(void* frame, std::size_t size_bytes) noexcept;

} // namespace tidemill
