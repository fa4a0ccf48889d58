// Clocks, and the CPU time of a process from /proc: the account that the scheduler itself keeps is
// exact to the nanosecond, where the ticks of /proc/PID/stat are of 10 ms.
#include "load_client.hpp"
#include <cstdio>
#include <dirent.h>
#include <string>
#include <time.h>

namespace tidemill_bench {

double clock_ns(int clock) {
    timespec time{};
    ::clock_gettime(clock, &time);
    return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

double cpu_time_ns(int pid) {
    const std::string tasks = "/proc/" + std::to_string(pid) + "/task";
    DIR* const folder = ::opendir(tasks.c_str());
    if (folder == nullptr) return 0;
    double total = 0;
    while (const dirent* const entry = ::readdir(folder)) {
        if (entry->d_name[0] == '.') continue;
        const std::string path = tasks + "/" + entry->d_name + "/schedstat";
        if (std::FILE* const file = std::fopen(path.c_str(), "r")) {
            unsigned long long run_ns = 0;
            if (std::fscanf(file, "%llu", &run_ns) == 1) total += static_cast<double>(run_ns);
            std::fclose(file);
        }
    }
    ::closedir(folder);
    return total;
}

} // namespace tidemill_bench
