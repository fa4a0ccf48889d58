// How the loops of a pool share a UDP address.
//
// All sockets are bound before any loop runs: each that joins later would change the kernel's
// choice for peers that are served already. A loop's entry is touched by its own thread only.
#include "core/loop_core.hpp"
#include "net/datagram_opening.hpp"
#include <tidemill/core/require.hpp>
#include <tidemill/net/pool_udp.hpp>
#include <utility>
#include <vector>

namespace tidemill {

struct PoolUdp::State {
    State() = default;
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State() {
        for (const detail::OpenedDatagrams& each : waiting)
            if (each.socket != invalid_socket) detail::native_sockets().close(each.socket);
    }

    UdpOptions options;
    Endpoint endpoint;
    std::size_t count = 0;
    std::vector<detail::OpenedDatagrams>
        waiting; ///< one for each loop, if it has one that is not taken yet
};

namespace {

// As a PoolListener does it: who has the address already would share it unasked.
detail::PackedError find_free(const Endpoint& address, const UdpOptions& options) {
    if (options.reuse_port || address.port() == 0) return {};
    const detail::OpenedDatagrams alone =
        detail::open_datagram_socket(detail::native_sockets(), address, options, false);
    if (!alone.error) detail::native_sockets().close(alone.socket);
    return alone.error;
}

} // namespace

Result<PoolUdp> PoolUdp::bind(const LoopPool& pool, std::string_view address,
                              const UdpOptions& options) {
    const Result<Endpoint> endpoint = Endpoint::parse(address);
    if (!endpoint) return failure(endpoint.error());
    return bind(pool, *endpoint, options);
}

Result<PoolUdp> PoolUdp::bind(const LoopPool& pool, const Endpoint& address,
                              const UdpOptions& options) {
    if (const detail::PackedError error = find_free(address, options))
        return failure(Error(error.code(), "bind udp " + address.to_string()));
    auto state = std::make_unique<State>();
    state->options = options;
    state->options.reuse_port = detail::shared_ports_are_balanced() && pool.size() > 1;
    state->endpoint = address;
    state->waiting.resize(pool.size());
    state->count = state->options.reuse_port ? pool.size() : 1;
    for (std::size_t i = 0; i < state->count; ++i) {
        detail::OpenedDatagrams& opened = state->waiting[i];
        opened = detail::open_datagram_socket(detail::native_sockets(), state->endpoint,
                                              state->options, false);
        if (opened.error)
            return failure(Error(opened.error.code(), "bind udp " + state->endpoint.to_string()));
        state->endpoint = opened.local;
    }
    return PoolUdp(std::move(state));
}

PoolUdp::PoolUdp(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
PoolUdp::PoolUdp(PoolUdp&& other) noexcept = default;
PoolUdp& PoolUdp::operator=(PoolUdp&& other) noexcept = default;
PoolUdp::~PoolUdp() = default;

std::unique_ptr<UdpSocket> PoolUdp::socket_on(PoolLoop& here) {
    TIDEMILL_REQUIRE(here.index() < state_->waiting.size(),
                     "a PoolUdp serves the pool that it was made for");
    detail::OpenedDatagrams& opened = state_->waiting[here.index()];
    if (opened.socket == invalid_socket) return nullptr;
    std::unique_ptr<UdpSocket> made(
        new UdpSocket(here.loop().core(), opened, false, state_->options));
    opened.socket = invalid_socket;
    return made;
}

const Endpoint& PoolUdp::endpoint() const noexcept { return state_->endpoint; }

std::size_t PoolUdp::sockets() const noexcept { return state_->count; }

} // namespace tidemill
