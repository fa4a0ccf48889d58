// What a fuzz target asserts, in every build.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace fuzz {

inline void check(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "fuzz: this does not hold: %s\n", what);
    std::abort();
}

} // namespace fuzz
