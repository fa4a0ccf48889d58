// The end of a program that broke a rule of the library.
//
// It lives out of line so that each check costs its caller one compare and a cold call only.
#include <tidemill/core/require.hpp>

#include <cstdio>
#include <cstdlib>

namespace tidemill::detail {

void misuse(const char* rule, const char* file, int line) noexcept {
    std::fprintf(stderr, "tidemill: misuse: %s (%s:%d)\n", rule, file, line);
    std::abort();
}

} // namespace tidemill::detail
