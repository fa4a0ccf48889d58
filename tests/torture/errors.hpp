// What each call of the seams may fail with, by its man pages, and what is to come of it.
#pragma once

#include "support/fault_plan.hpp"

#include <span>
#include <string_view>

namespace tidemill::torture {

enum class Expect : std::uint8_t {
    nothing,         ///< as if it had not happened: everything arrives, nobody is told
    told,            ///< somebody is told this very error
    told_or_nothing, ///< either of the two, as who waits there is busy or not
    told_or_reset,   ///< also: the stream was closed before, and its peer is told of a reset
};

struct Failure {
    support::Call call;
    std::string_view name; ///< the man page's; "CUT": one byte, or a wait without events
    detail::PackedError error;
    Expect expect;
};

[[nodiscard]] std::span<const Failure> failures() noexcept;

} // namespace tidemill::torture
