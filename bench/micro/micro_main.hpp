// The main program of every micro benchmark: Google Benchmark's options, and before them the number
// of timers, if it is not to be a million.
#pragma once

#include "posts.hpp"
#include "timers.hpp"
#include <cstdlib>

namespace micro {

inline int run_registered(int argc, char** argv) {
    if (argc > 1 && argv[1][0] != '-') {
        timer_count = std::strtoul(argv[1], nullptr, 10);
        argv[1] = argv[0];
        ++argv;
        --argc;
    }
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}

} // namespace micro
