// Preloaded into a server, counts its allocations where another process can read the count.
//
// The environment variable TIDEMILL_COUNT_FILE names a file of 8 bytes, which is mapped: servers
// that are ended by a signal run nothing at their exit, and the count is wanted in the middle
// anyway. glibc only, since it is glibc that exports its own functions under second names.
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* memory, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);
}

namespace {

using Counter = std::atomic<std::uint64_t>;

Counter before_the_file_is_mapped;
std::atomic<Counter*> counter{&before_the_file_is_mapped};

void count() { counter.load()->fetch_add(1, std::memory_order_relaxed); }

__attribute__((constructor)) void map_file() {
    const char* const path = std::getenv("TIDEMILL_COUNT_FILE");
    const int file = path == nullptr ? -1 : ::open(path, O_RDWR | O_CLOEXEC);
    if (file < 0) return;
    void* const place =
        ::mmap(nullptr, sizeof(Counter), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    ::close(file);
    if (place != MAP_FAILED) counter = static_cast<Counter*>(place);
}

} // namespace

extern "C" {

void* malloc(std::size_t size) {
    count();
    return __libc_malloc(size);
}

void* calloc(std::size_t number, std::size_t size) {
    count();
    return __libc_calloc(number, size);
}

void* realloc(void* memory, std::size_t size) {
    count();
    return __libc_realloc(memory, size);
}

void* memalign(std::size_t alignment, std::size_t size) {
    count();
    return __libc_memalign(alignment, size);
}

void* aligned_alloc(std::size_t alignment, std::size_t size) { return memalign(alignment, size); }

int posix_memalign(void** memory, std::size_t alignment, std::size_t size) {
    *memory = memalign(alignment, size);
    return *memory == nullptr ? ENOMEM : 0;
}
}
