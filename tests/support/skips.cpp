#include "support/skips.hpp"
#include "support/current_case.hpp"
#include "support/os.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

namespace tidemill::support {
namespace {

bool concerns_this_run(const std::string& platform, const std::string& selector) {
    const OsFacts& facts = os_facts();
    if (platform == "wine" ? !facts.is_wine : platform != "windows" || !facts.is_windows)
        return false;
    const char* const used = std::getenv("TIDEMILL_SELECTOR");
    return selector == "*" || (used != nullptr && selector == used);
}

} // namespace

std::vector<Skip> skips_of_this_run() {
    std::vector<Skip> skips;
    const char* const path = std::getenv("TIDEMILL_SKIPS");
    if (path == nullptr) return skips;
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) {
        if (!line.empty() && line.back() == '\r') line.pop_back();
        std::istringstream parts(line);
        std::array<std::string, 4> part;
        for (std::string& each : part) std::getline(parts, each, '\t');
        if (concerns_this_run(part[0], part[1])) skips.push_back({part[2], part[3]});
    }
    return skips;
}

void skip_case(const std::string& reason) {
    current_case().skipped = reason;
    std::printf("skipped: %s: %s\n", current_case().name.c_str(), reason.c_str());
}

} // namespace tidemill::support
