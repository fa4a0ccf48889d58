// thread_local objects under mingw-w64's GCC, which emulates thread-local memory.
//
// At a thread's end two keys of the threads library are due: one runs the destructors of its
// thread_local objects, the other frees the memory that these objects are in. The key that was made
// first goes first, and that is the memory's, unless somebody sees to it: the frame pool's lists
// would leak then, and any destructor (those of the standard library and of test frameworks too)
// would use freed memory. So a destructor that does nothing is registered before anything else in
// the process can touch a thread_local object. Other compilers have no such keys.
//
// Nothing refers to this file by name; the linker is told to take it (src/CMakeLists.txt).

#if defined(__MINGW32__) && !defined(__clang__)

extern "C" {
int __cxa_thread_atexit(void (*destroy)(void*), void* object, void* library) noexcept;
extern const int tidemill_thread_exit;
const int tidemill_thread_exit = 0;
}

namespace {

struct RegistersFirst {
    RegistersFirst() noexcept {
        __cxa_thread_atexit([](void*) {}, nullptr, nullptr);
    }
};

// The lowest priority that is not reserved: before every other constructor.
[[maybe_unused, gnu::init_priority(101)]] RegistersFirst registers_first;

} // namespace

#endif
