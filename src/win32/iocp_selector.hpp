// Level-triggered Selector over a completion port that AFD poll requests report to: what scales.
#pragma once

#include "core/selector.hpp"

namespace tidemill::detail {

/// The socket driver's device. Its last part may be any name.
inline constexpr const wchar_t* afd_device_name = L"\\Device\\Afd\\tidemill";

/// Fails with `Errc::not_supported` if the device cannot be opened; tests name another one.
[[nodiscard]] Result<std::unique_ptr<Selector>>
make_iocp_selector(const wchar_t* device = afd_device_name);

} // namespace tidemill::detail
