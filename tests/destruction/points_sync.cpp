// The points of what tasks wait for among each other, and for other threads.
#include "destruction/worlds.hpp"
#include <future>
#include <tidemill/core/channel.hpp>
#include <tidemill/core/event.hpp>
#include <tidemill/core/run_blocking.hpp>
#include <tidemill/core/semaphore.hpp>
#include <tidemill/core/sleep.hpp>
#include <tidemill/core/when.hpp>

namespace tidemill::destruction {
namespace {

struct EventWorld final : World {
    std::optional<Event> event{std::in_place};
    Task<std::error_code> wait() override {
        co_return code_of(co_await event->wait(within(limit)));
    }
    void destroy_object() override { event.reset(); }
};

struct SemaphoreWorld final : World {
    std::optional<Semaphore> semaphore{std::in_place, 0};
    Task<std::error_code> wait() override {
        co_return code_of(co_await semaphore->acquire(within(limit)));
    }
    void destroy_object() override { semaphore.reset(); }
};

struct ChannelWorld : World {
    std::optional<Channel<int>> channel{std::in_place, 1};
    void destroy_object() override { channel.reset(); }
};

struct Send final : ChannelWorld {
    Send() { REQUIRE(channel->try_send(1)); }
    Task<std::error_code> wait() override {
        co_return code_of(co_await channel->send(2, within(limit)));
    }
};

struct Receive final : ChannelWorld {
    Task<std::error_code> wait() override {
        co_return code_of(co_await channel->receive(within(limit)));
    }
};

// Its children sleep: they go with it, or with the loop.
struct WhenAll final : World {
    static Task<int> sleeping() {
        static_cast<void>(co_await sleep(std::chrono::hours(48)));
        co_return 1;
    }
    Task<std::error_code> wait() override {
        static_cast<void>(co_await when_all(sleeping(), sleeping()));
        co_return std::error_code();
    }
};

struct WhenAny final : World {
    Task<std::error_code> wait() override {
        static_cast<void>(co_await when_any(WhenAll::sleeping(), WhenAll::sleeping()));
        co_return std::error_code();
    }
};

// The function runs on its thread until the world opens the gate; the loop's end waits for it.
class Blocking final : public World {
public:
    ~Blocking() override { before_loop_goes(); }
    Task<std::error_code> wait() override {
        const auto until_open = [opened = opened_] { return opened.wait(), 1; };
        co_return code_of(co_await run_blocking(until_open, within(limit)));
    }
    void before_loop_goes() override {
        if (!std::exchange(is_open_, true)) gate_.set_value();
    }

private:
    std::promise<void> gate_;
    std::shared_future<void> opened_ = gate_.get_future().share();
    bool is_open_ = false;
};

constexpr Case cases[] = {
    {SuspensionPoint::event, "event", make_world<EventWorld>},
    {SuspensionPoint::semaphore, "semaphore", make_world<SemaphoreWorld>},
    {SuspensionPoint::channel_send, "channel", make_world<Send>},
    {SuspensionPoint::channel_receive, "channel", make_world<Receive>},
    {SuspensionPoint::when, "when_all", make_world<WhenAll>, false, false},
    {SuspensionPoint::when, "when_any", make_world<WhenAny>, false, false},
    {SuspensionPoint::blocking, "run_blocking", make_world<Blocking>, false, true},
};

} // namespace

std::span<const Case> sync_cases() { return cases; }

} // namespace tidemill::destruction
