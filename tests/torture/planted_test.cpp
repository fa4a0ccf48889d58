// The suite on trial: three defects, planted between the library and the seams, that it must find.
//
// Each begins when the fault has struck, as a slip in an error path would.
#include "torture/runner.hpp"

#include <algorithm>
#include <doctest/doctest.h>

namespace tidemill::torture {
namespace {

using detail::PackedError;
using support::Call;
using support::FaultPlan;
using support::FaultySelector;
using support::FaultySockets;
using support::SocketLedger;

// A waiter that nobody will wake: what is watched next is said to be, and is not.
class DeafSelector final : public FaultySelector {
public:
    DeafSelector(std::unique_ptr<detail::Selector> real, FaultPlan& plan, SocketLedger& ledger)
        : FaultySelector(std::move(real), plan, ledger), plan_(plan) {}
    PackedError modify(NativeSocket socket, Interest interest, Token token) override {
        if (plan_.has_struck() && !std::exchange(is_done_, true)) {
            static_cast<void>(FaultySelector::remove(socket, token));
            return {};
        }
        return FaultySelector::modify(socket, interest, token);
    }

private:
    FaultPlan& plan_;
    bool is_done_ = false;
};

// A socket that closes without a word to the selector.
class ForgetfulSelector final : public FaultySelector {
public:
    ForgetfulSelector(std::unique_ptr<detail::Selector> real, FaultPlan& plan, SocketLedger& ledger)
        : FaultySelector(std::move(real), plan, ledger), plan_(plan) {}
    void closing(NativeSocket socket, Token token, bool sole_owner) override {
        if (!plan_.has_struck()) FaultySelector::closing(socket, token, sole_owner);
    }

private:
    FaultPlan& plan_;
};

// A write that was cut, and whose one byte is not counted.
class StutteringSockets final : public FaultySockets {
public:
    StutteringSockets(FaultPlan& plan, SocketLedger& ledger)
        : FaultySockets(plan, ledger), plan_(plan) {}
    std::ptrdiff_t send_now(NativeSocket socket, Buffer bytes) override {
        const bool had_struck = plan_.has_struck();
        const std::ptrdiff_t sent = FaultySockets::send_now(socket, bytes);
        return !had_struck && plan_.has_struck() && sent == 1 ? 0 : sent;
    }

private:
    FaultPlan& plan_;
};

template <class Planted> Plants selector_plants() {
    Plants plants;
    plants.selector = [](std::unique_ptr<detail::Selector> real, FaultPlan& plan,
                         SocketLedger& ledger) -> std::unique_ptr<FaultySelector> {
        return std::make_unique<Planted>(std::move(real), plan, ledger);
    };
    return plants;
}

Plants stuttering_plants() {
    Plants plants;
    plants.sockets = [](FaultPlan& plan, SocketLedger& ledger) -> std::unique_ptr<FaultySockets> {
        return std::make_unique<StutteringSockets>(plan, ledger);
    };
    return plants;
}

const Failure& failure_of(Call call, std::string_view name) {
    const auto all = failures();
    return *std::find_if(all.begin(), all.end(), [&](const Failure& each) {
        return each.call == call && each.name == name;
    });
}

void check_found(const Failure& failure, const Plants& plants, const char* what) {
    const Scenario echo{"echo", run_echo};
    const Verdict sound = run_once(echo, failure, 1);
    CHECK(sound.wrong.empty()); // so that it is the plant that is found
    const Verdict verdict = run_once(echo, failure, 1, plants);
    CHECK(verdict.has_struck);
    const bool is_found =
        std::any_of(verdict.wrong.begin(), verdict.wrong.end(), [&](const std::string& sentence) {
            return sentence.find(what) != std::string::npos;
        });
    CHECK_MESSAGE(is_found, what);
}

} // namespace

TEST_CASE("a planted waiter that nobody wakes is found") {
    check_found(failure_of(Call::send_now, "EAGAIN"), selector_plants<DeafSelector>(),
                "a task waits for ever");
}

TEST_CASE("a planted registration that is left behind is found") {
    check_found(failure_of(Call::send_now, "EAGAIN"), selector_plants<ForgetfulSelector>(),
                "a registration was left behind");
}

TEST_CASE("a planted byte that is sent twice is found") {
    check_found(failure_of(Call::send_now, "CUT"), stuttering_plants(), "doubled");
}

} // namespace tidemill::torture
