// One run of a scenario: a loop over faulty seams, a clock that moves only while nothing happens, a
// bystander whose connection has to stay whole, and what was found.
//
// Sockets are real. The loop waits for them in steps of a millisecond, and once three such steps
// have brought nothing, the clock of the loop moves on, in growing steps. So back-offs pass at
// once, and who waits for ever is found out after four virtual seconds: before the first default
// limit of the library would end the wait and hide it.
#pragma once

#include "core/loop_core.hpp"
#include "support/faulty_sockets.hpp"
#include "support/manual_clock.hpp"

#include <functional>
#include <memory>
#include <string>
#include <tidemill/core/event.hpp>
#include <tidemill/core/event_loop.hpp>
#include <tidemill/core/task_scope.hpp>
#include <tidemill/net/tcp_listener.hpp>
#include <tidemill/net/tcp_stream.hpp>
#include <vector>

namespace tidemill::torture {

using namespace std::chrono_literals;

/// Puts a decorator of the test in front of the faulty seams, which the library then uses.
struct Plants {
    std::function<std::unique_ptr<support::FaultySelector>(
        std::unique_ptr<detail::Selector>, support::FaultPlan&, support::SocketLedger&)>
        selector;
    std::function<std::unique_ptr<support::FaultySockets>(support::FaultPlan&,
                                                          support::SocketLedger&)>
        sockets;
};

class World {
public:
    explicit World(const Plants& plants = {});
    World(const World&) = delete;
    World& operator=(const World&) = delete;
    ~World();

    [[nodiscard]] EventLoop& loop() noexcept { return loop_; }
    [[nodiscard]] support::FaultPlan& plan() noexcept { return plan_; }

    // For scenarios

    /// Starts a task that run_all() waits for.
    void start(Task<void> task);
    /// Turns the loop until no started task is left. One that is stuck makes a finding.
    void run_all();
    /// Somebody was told an error.
    void note(const Error& error) { told_.push_back(error.code()); }
    /// What came at one end of a conversation in which `expected` was sent. A part may be missing
    /// where a connection has failed; nothing may be there twice, or another thing.
    void came(const std::string& expected, const std::string& got);
    /// Something that no fault may cause.
    void find(std::string sentence) { findings_.push_back(std::move(sentence)); }

    // For the driver

    /// The loop, its books and the bystander after a scenario.
    void inspect();
    [[nodiscard]] const std::vector<std::error_code>& told() const noexcept { return told_; }
    [[nodiscard]] const support::SocketLedger& ledger() const noexcept { return ledger_; }
    [[nodiscard]] bool is_incomplete() const noexcept { return is_incomplete_; }
    [[nodiscard]] const std::vector<std::string>& findings() const noexcept { return findings_; }

private:
    struct Bystander;

    static std::unique_ptr<detail::LoopCore> make_core(World& world, const Plants& plants);
    [[nodiscard]] bool turn_until(const std::function<bool()>& is_done);
    void check_books(std::size_t sockets);
    void echo_afresh();

    support::FaultPlan plan_;
    support::SocketLedger ledger_;
    support::ManualClock clock_;
    std::unique_ptr<support::FaultySockets> sockets_;
    EventLoop loop_;
    std::vector<std::error_code> told_;
    std::vector<std::string> findings_;
    bool is_incomplete_ = false;
    std::unique_ptr<Bystander> bystander_;
    TaskScope scope_;
};

/// For listeners: an address of the loopback interface, another one with each call, and a port of
/// the system's choice.
[[nodiscard]] Endpoint fresh_address();
/// For datagrams: the loopback address and a port of the system's choice.
[[nodiscard]] Endpoint any_port();

// Conversations that scenarios are made of

/// Text in which every displaced, lost or doubled byte shows.
[[nodiscard]] std::string text_of(std::size_t size, std::uint32_t seed);
/// Sends back what comes, up to the peer's end; tells what goes wrong.
Task<void> echo(World& world, Stream& stream);
/// Sends each text and waits for it to come back.
Task<bool> converse(World& world, Stream& stream, const std::vector<std::string>& texts);
/// Reads up to the end; an end by error is noted.
Task<std::string> read_all(World& world, Stream& stream);
/// Reads `size` bytes by the chunk; fewer if the stream ends.
Task<std::string> read_some(World& world, Stream& stream, std::size_t size);

} // namespace tidemill::torture
