#include <cstdio>
#include <fcntl.h>
#include <io.h>
#include <tidemill/service/standard_output.hpp>

namespace tidemill {

void use_raw_standard_output() noexcept {
    constexpr int standard_output = 1; // the C library's number
    std::setvbuf(stdout, nullptr, _IONBF, 0);
    ::_setmode(standard_output, _O_BINARY);
}

} // namespace tidemill
