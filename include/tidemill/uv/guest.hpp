// A tidemill loop inside a libuv loop that the host program runs: a Node add-on, Neovim, any
// program that calls uv_run(). Part of tidemill::uv.
#pragma once

#include <memory>
#include <tidemill/core/event_loop.hpp>

struct uv_loop_s;

namespace tidemill::uv {

/// Owns an EventLoop whose turns run inside `host`, after each of its polls that has brought
/// something for it. Whatever tidemill offers works there; only run(), run_once() and stop() of the
/// EventLoop are misuse, since the host runs and stops it.
///
/// As long as the guest has an open socket, a timer, or a task that is about to go on or waits for
/// run_blocking(), it keeps uv_run() going; an idle one does not. A Remote, a paused task that
/// nothing of these will resume, and StandardInput do not count.
///
/// Thread: the one that runs the host's loop. Lifetime: `host` must be open as long as the guest is
/// attached, and be run once more afterwards, so that libuv can let go of the guest's handles (as
/// for every handle: uv_loop_close() says UV_EBUSY until then). To close them behind the guest's
/// back, by uv_walk(), is misuse: destroy or detach the guest before.
class Guest {
public:
    /// `options.selector` names the selector for the time after detach(). Throws std::system_error
    /// if libuv refuses a handle (descriptors, memory).
    explicit Guest(uv_loop_s& host, const LoopOptions& options = {});
    /// Destroys the EventLoop, as ~EventLoop() does; not to be called from inside its turn.
    ~Guest();
    Guest(const Guest&) = delete;
    Guest& operator=(const Guest&) = delete;

    [[nodiscard]] EventLoop& loop() noexcept;
    [[nodiscard]] bool is_attached() const noexcept;

    /// Leaves the host. Everything in the EventLoop stays as it is, and from here on it can be run
    /// by itself, say to let a server drain. Does nothing when it is detached already. Errors: a
    /// selector cannot be made, or does not take the sockets; then the guest stays attached.
    Result<void> detach();

    /// An exception that leaves a posted closure or a timer cannot pass through libuv: the guest
    /// keeps the first one, counts the others as failed tasks, and calls uv_stop(). This throws
    /// what is kept, if anything; to be called after uv_run().
    void rethrow_exception();

private:
    class Attachment;
    std::unique_ptr<Attachment> attachment_;
};

} // namespace tidemill::uv
