// The points of TLS streams, over each transport: their own, and those of every stream.
#include "destruction/worlds.hpp"
#include "tls/tls_pairs.hpp"
#include <array>

namespace tidemill::destruction {
namespace {

using namespace support;

/// After the handshake.
template <class T> class TlsWorld : public World {
public:
    explicit TlsWorld(const LoopOptions& options = {}) : World(options) {
        std::tie(near, far) = Tls<T>::connect(*fixture);
    }
    void destroy_object() override { near.reset(); }

protected:
    std::unique_ptr<TlsStream> near;
    std::unique_ptr<TlsStream> far;
};

template <class T> struct Read final : TlsWorld<T> {
    Task<std::error_code> wait() override {
        co_return code_of(co_await this->near->read(within(World::limit)));
    }
};

template <class T> struct ReadInto final : TlsWorld<T> {
    Task<std::error_code> wait() override {
        std::array<std::byte, 64> buffer;
        co_return code_of(co_await this->near->read(buffer, within(World::limit)));
    }
};

template <class T> struct Write final : TlsWorld<T> {
    std::string text = pattern(more_than_fits);
    Task<std::error_code> wait() override {
        co_return code_of(co_await this->near->write(text, within(World::limit)));
    }
};

template <class T> struct Shutdown final : TlsWorld<T> {
    Shutdown() : TlsWorld<T>(one_operation_a_turn()) {}
    Task<std::error_code> wait() override {
        co_return code_of(co_await this->near->shutdown_write());
    }
};

template <class T> struct Close final : TlsWorld<T> {
    Task<std::error_code> wait() override {
        co_return code_of(co_await this->near->close_gracefully(within(World::limit)));
    }
};

/// More is pending than the transport takes.
template <class T> struct Flush final : TlsWorld<T> {
    std::string text = pattern(60'000);
    Flush() { REQUIRE(this->fixture->run(writing(*this->near, text))); }
    Task<std::error_code> wait() override {
        co_return code_of(co_await this->near->flush(within(World::limit)));
    }
};

/// Before it: the peer says nothing.
template <class T> class Handshake : public World {
public:
    Handshake() {
        std::tie(near_end, far) = T::connect(*fixture);
        near = std::make_unique<TlsStream>(*near_end, client_context(), "localhost");
    }
    Task<std::error_code> wait() override {
        co_return code_of(co_await near->handshake(within(limit)));
    }
    void destroy_object() override { near.reset(); }

protected:
    typename T::Handle near_end;
    typename T::Handle far;
    std::unique_ptr<TlsStream> near;
};

/// Operations that begin the handshake and wait for it.
template <class T> struct ReadBefore final : Handshake<T> {
    Task<std::error_code> wait() override {
        co_return code_of(co_await this->near->read(within(World::limit)));
    }
};

template <class T> struct WriteBefore final : Handshake<T> {
    Task<std::error_code> wait() override {
        co_return code_of(co_await this->near->write("x", within(World::limit)));
    }
};

constexpr Case cases[] = {
    {SuspensionPoint::stream_read, "tls/memory", make_world<Read<Memory>>},
    {SuspensionPoint::stream_read, "tls/tcp", make_world<Read<Tcp>>},
    {SuspensionPoint::stream_read, "tls/tcp handshake", make_world<ReadBefore<Tcp>>, true, false},
    {SuspensionPoint::stream_read_into, "tls/memory", make_world<ReadInto<Memory>>},
    {SuspensionPoint::stream_read_into, "tls/tcp", make_world<ReadInto<Tcp>>},
    {SuspensionPoint::stream_write, "tls/memory", make_world<Write<Memory>>},
    {SuspensionPoint::stream_write, "tls/tcp", make_world<Write<Tcp>>},
    {SuspensionPoint::stream_write, "tls/tcp handshake", make_world<WriteBefore<Tcp>>, true, false},
    {SuspensionPoint::stream_shutdown, "tls/memory", make_world<Shutdown<Memory>>, false, false},
    {SuspensionPoint::stream_close, "tls/memory", make_world<Close<Memory>>},
    {SuspensionPoint::stream_close, "tls/tcp", make_world<Close<Tcp>>},
    {SuspensionPoint::tls_handshake, "memory", make_world<Handshake<Memory>>},
    {SuspensionPoint::tls_handshake, "tcp", make_world<Handshake<Tcp>>},
    {SuspensionPoint::tls_flush, "memory", make_world<Flush<Memory>>},
};

} // namespace

std::span<const Case> tls_cases() { return cases; }

} // namespace tidemill::destruction
