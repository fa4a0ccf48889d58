// cancel_on: a std::stop_token cancels the tasks of a scope. Not part of tidemill.hpp, because the
// standard header behind it costs every file that does not need it.
#pragma once

#include <stop_token>
#include <tidemill/core/task_scope.hpp>

namespace tidemill {

/// Once a stop is requested, on whatever thread, the scope's tasks are cancelled (`scope.cancel()`)
/// in the next turn of its loop: those that it has then, not later ones. Ends with the scope; a
/// stop requested after the scope or the loop is gone does nothing. Thread: the loop's own.
void cancel_on(TaskScope& scope, std::stop_token token);

} // namespace tidemill
