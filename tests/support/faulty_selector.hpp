// A selector whose n-th call fails, by a plan, in front of a real one.
//
// The plan strikes above the real selector, so what libuv would answer with abort() (a failing
// epoll_ctl) comes as an error here on every selector alike.
#pragma once

#include "core/selector.hpp"
#include "support/fault_plan.hpp"
#include "support/socket_ledger.hpp"

#include <memory>
#include <utility>

namespace tidemill::support {

class FaultySelector : public detail::Selector {
public:
    using Interest = detail::Interest;
    using PackedError = detail::PackedError;
    using Token = detail::Token;

    FaultySelector(std::unique_ptr<detail::Selector> real, FaultPlan& plan, SocketLedger& ledger)
        : real_(std::move(real)), plan_(plan), ledger_(ledger) {
        set_refused_before(real_->refused_before());
    }

    PackedError add(NativeSocket socket, Interest interest, Token token) override {
        if (plan_.strikes(Call::watch_add, socket)) return plan_.fault().error;
        const PackedError error = real_->add(socket, interest, token);
        if (!error) ledger_.watches(socket, interest, token);
        return error;
    }
    PackedError modify(NativeSocket socket, Interest interest, Token token) override {
        if (plan_.strikes(Call::watch_modify, socket)) return plan_.fault().error;
        const PackedError error = real_->modify(socket, interest, token);
        if (!error) ledger_.watches(socket, interest, token);
        return error;
    }
    PackedError remove(NativeSocket socket, Token token) override {
        if (plan_.strikes(Call::watch_remove, socket)) return plan_.fault().error;
        const PackedError error = real_->remove(socket, token);
        if (!error) ledger_.forgets(socket);
        return error;
    }
    void closing(NativeSocket socket, Token token, bool sole_owner) override {
        ledger_.forgets(socket);
        real_->closing(socket, token, sole_owner);
    }
    Result<std::size_t> wait(std::span<detail::Event> ready, Duration timeout) override {
        if (!plan_.strikes(Call::wait, invalid_socket)) return real_->wait(ready, timeout);
        if (plan_.cuts()) return std::size_t{0}; // as when a signal comes
        return failure(plan_.fault().error.code());
    }
    void wake() noexcept override { real_->wake(); }
    bool rebuild(std::span<const detail::Watched> all) override { return real_->rebuild(all); }
    [[nodiscard]] NativeSocket native_handle() const noexcept override {
        return real_->native_handle();
    }
    [[nodiscard]] bool takes_foreign_sockets() const noexcept override {
        return real_->takes_foreign_sockets();
    }
    [[nodiscard]] const char* name() const noexcept override { return real_->name(); }

    /// Makes the rest that a cut receive has left news again, as if it had come by itself just now:
    /// who asked for news only may take a short receive for the last (docs/decisions/0006).
    void tell_again(NativeSocket socket) {
        const detail::Watched* const known = ledger_.watched(socket);
        if (known != nullptr)
            static_cast<void>(real_->modify(socket, known->interest, known->token));
    }

private:
    std::unique_ptr<detail::Selector> real_;
    FaultPlan& plan_;
    SocketLedger& ledger_;
};

} // namespace tidemill::support
