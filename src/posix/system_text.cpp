#include "core/system_text.hpp"

namespace tidemill::detail {

std::string system_text(const std::error_code& code) { return code.message(); }

} // namespace tidemill::detail
