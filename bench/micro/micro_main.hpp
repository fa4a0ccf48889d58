// The main program of every micro benchmark.
#pragma once

#include "posts.hpp"
#include "timers.hpp"

namespace micro {

inline int run_registered(int argc, char** argv) {
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}

} // namespace micro
