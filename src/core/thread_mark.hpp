// Which thread this is, at the price of an address: std::this_thread::get_id() is a call, and every
// chunk that is released asks.
//
// The mark of a thread that has ended may come again. A check against wrong use can live with that.
#pragma once

namespace tidemill::detail {

using ThreadMark = const char*;

inline thread_local const char thread_mark_object = 0;

[[nodiscard]] inline ThreadMark current_thread() noexcept { return &thread_mark_object; }

} // namespace tidemill::detail
