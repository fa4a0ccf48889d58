#include <cstdio>
#include <tidemill/service/standard_output.hpp>

namespace tidemill {

void use_raw_standard_output() noexcept { std::setvbuf(stdout, nullptr, _IONBF, 0); }

} // namespace tidemill
