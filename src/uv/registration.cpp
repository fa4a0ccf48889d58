// Makes the selector known as soon as this file is part of a program.
//
// A linker takes a file out of a library only if something asks for it. tidemill::uv therefore asks
// for `tidemill_uv_registration` by an option of its own; use() asks in code.

#include "core/added_selectors.hpp"
#include "uv/uv_selector.hpp"
#include <tidemill/uv/selector.hpp>

namespace {

constinit tidemill::detail::AddedSelector entry{"uv", tidemill::detail::make_uv_selector};

} // namespace

namespace tidemill::uv {

void use() noexcept { detail::add_selector(entry); }

} // namespace tidemill::uv

extern "C" {
extern const bool tidemill_uv_registration;
const bool tidemill_uv_registration = (tidemill::uv::use(), true);
}
