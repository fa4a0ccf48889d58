// The points of datagrams, signals and standard input.
#include "conformance/support/loopback.hpp"
#include "destruction/worlds.hpp"
#include "service/input_handle.hpp"
#include "support/os.hpp"
#include <tidemill/net/udp_socket.hpp>
#include <tidemill/service/signals.hpp>
#include <tidemill/service/standard_input.hpp>

namespace tidemill::destruction {
namespace {

class UdpWorld : public World {
public:
    explicit UdpWorld(const LoopOptions& options = {})
        : World(options), socket(*UdpSocket::bind(fixture->loop, *Endpoint::parse("127.0.0.1:0"))) {
    }
    void destroy_object() override { socket.reset(); }

protected:
    std::unique_ptr<UdpSocket> socket;
};

struct UdpReceive final : UdpWorld {
    Task<std::error_code> wait() override {
        co_return code_of(co_await socket->receive(within(limit)));
    }
};

struct UdpReceiveInto final : UdpWorld {
    Task<std::error_code> wait() override {
        std::array<std::byte, 64> buffer;
        co_return code_of(co_await socket->receive(buffer, within(limit)));
    }
};

struct UdpReceiveMany final : UdpWorld {
    Task<std::error_code> wait() override {
        co_return code_of(co_await socket->receive_many(batch, within(limit)));
    }
    ReceiveBatch batch{2};
};

// A batch waits for the end of the turn.
struct UdpSendMany final : UdpWorld {
    Task<std::error_code> wait() override {
        static_cast<void>(batch.add("x", socket->endpoint()));
        const SendOutcome sent = co_await socket->send_many(batch);
        co_return sent.error;
    }
    SendBatch batch;
};

// The loopback takes every datagram, so a send waits only for the task's next turn.
struct UdpSend final : UdpWorld {
    UdpSend() : UdpWorld(one_operation_a_turn()) {}
    Task<std::error_code> wait() override {
        co_return code_of(co_await socket->send("x", socket->endpoint()));
    }
};

struct SignalsWorld final : World {
    SignalsWorld() { signals.emplace(fixture->loop, std::initializer_list<Signal>{Signal::user2}); }
    Task<std::error_code> wait() override {
        co_return code_of(co_await signals->next(within(limit)));
    }
    void destroy_object() override { signals.reset(); }
    std::optional<Signals> signals;
};

// A pipe to which nobody writes.
class Input final : public World {
public:
    Input() { input_.emplace(fixture->loop, detail::input_handle(pipe_.out())); }
    Task<std::error_code> wait() override {
        co_return code_of(co_await input_->read(within(limit)));
    }
    void destroy_object() override { input_.reset(); }

private:
    support::OsPipe pipe_;
    std::optional<StandardInput> input_;
};

// The socket is somebody else's: what waits for it is only the task.
struct Watch final : World {
    Task<std::error_code> wait() override {
        const NativeSocket socket = pair.near.get();
        co_return code_of(co_await fixture->loop.watch(socket, Interest::read, within(limit)));
    }
    conformance::UdpPair pair;
};

constexpr Case cases[] = {
    {SuspensionPoint::udp_receive, "chunk", make_world<UdpReceive>},
    {SuspensionPoint::udp_receive, "span", make_world<UdpReceiveInto>},
    {SuspensionPoint::udp_send, "udp", make_world<UdpSend>, false, false},
    {SuspensionPoint::udp_receive_many, "batch", make_world<UdpReceiveMany>},
    {SuspensionPoint::udp_send_many, "batch", make_world<UdpSendMany>, true, false},
    {SuspensionPoint::signals, "signals", make_world<SignalsWorld>},
    {SuspensionPoint::standard_input, "pipe", make_world<Input>},
    {SuspensionPoint::watch, "socket", make_world<Watch>, false},
};

} // namespace

std::span<const Case> io_cases() {
    const std::size_t left_out = support::os_facts().watches_foreign_sockets ? 0 : 1; // the last
    return std::span(cases).first(std::size(cases) - left_out);
}

} // namespace tidemill::destruction
