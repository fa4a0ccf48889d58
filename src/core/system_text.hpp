// The text of an error code of the system, in UTF-8: the platform's part.
#pragma once

#include <string>
#include <system_error>

namespace tidemill::detail {

[[nodiscard]] std::string system_text(const std::error_code& code);

} // namespace tidemill::detail
