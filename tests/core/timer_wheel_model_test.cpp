// The timer wheel against a naive model, over random sequences of calls.
//
// The model is a multimap ordered by tick; equal ticks keep the order of their arming. The wheel
// must fire exactly the same nodes in exactly the same order, whatever handlers do meanwhile.
#include "core/timer_wheel.hpp"

#include <algorithm>
#include <doctest/doctest.h>
#include <limits>
#include <map>
#include <memory>
#include <random>
#include <vector>

namespace {

using tidemill::detail::TimerNode;
using tidemill::detail::TimerWheel;
using Nanoseconds = TimerWheel::Nanoseconds;

constexpr Nanoseconds ms = 1'000'000;
constexpr Nanoseconds year = Nanoseconds{365} * 24 * 3600 * 1000 * ms;
constexpr Nanoseconds end_of_time = std::numeric_limits<Nanoseconds>::max();

/// The wheel and the model, driven together. Fired timers sometimes act on others.
class Comparison {
public:
    explicit Comparison(unsigned seed, Nanoseconds start)
        : random_(seed), now_(start), wheel_(start) {
        for (int i = 0; i < 300; ++i) revive(i);
    }
    ~Comparison() {
        for (auto& timer : timers_) wheel_.cancel(*timer);
    }

    void step() {
        switch (pick(8)) {
        case 0: expire(); break;
        case 1: cancel(any()); break;
        default: arm(any());
        }
        agree(wheel_.size() == model_.size());
        if (const auto next = wheel_.next_expiry(); agree(next.has_value() == !model_.empty()))
            if (next) agree(*next <= std::max(now_, earliest()) && *next >= now_);
    }

    int disagreements = 0;
    std::size_t fired_in_all = 0;

private:
    class Timer final : public TimerNode {
    public:
        Timer(Comparison& owner, int name) : owner_(owner), name_(name) {}
        void on_timer() noexcept override { owner_.on_fired(name_); }

    private:
        Comparison& owner_;
        int name_;
    };
    using Model = std::multimap<Nanoseconds, int>; // due time in ticks, past ones as -1

    bool agree(bool claim) {
        if (!claim) ++disagreements;
        return claim;
    }
    int pick(int count) { return static_cast<int>(random_() % static_cast<unsigned>(count)); }
    int any() { return pick(static_cast<int>(timers_.size())); }
    Nanoseconds any_span() {
        const auto bits = pick(50); // up to two weeks, small ones as likely as large ones
        return static_cast<Nanoseconds>(random_() & ((std::uint64_t{1} << bits) - 1));
    }

    void revive(int name) {
        const auto index = static_cast<std::size_t>(name);
        if (timers_.size() <= index) timers_.resize(index + 1);
        if (timers_[index]) cancel(name);
        timers_[index] = std::make_unique<Timer>(*this, name);
        where_[name] = model_.end();
    }
    TimerNode& timer(int name) { return *timers_[static_cast<std::size_t>(name)]; }

    void arm(int name) {
        Nanoseconds span = pick(16) == 0 ? -any_span() : any_span();
        if (span > end_of_time - now_ || pick(500) == 0) span = end_of_time - now_;
        const Nanoseconds deadline = now_ + span;
        forget(name);
        const Nanoseconds tick = deadline <= now_ ? -1 : (deadline - 1) / ms + 1;
        where_[name] = model_.emplace(tick, name);
        wheel_.arm(timer(name), deadline);
        agree(timer(name).armed());
    }
    void cancel(int name) {
        agree(timer(name).armed() == (where_[name] != model_.end()));
        forget(name);
        wheel_.cancel(timer(name));
    }
    void forget(int name) {
        if (where_[name] != model_.end()) model_.erase(where_[name]);
        where_[name] = model_.end();
        std::erase(expected_, name);
    }
    Nanoseconds earliest() const {
        const Nanoseconds tick = model_.begin()->first;
        return tick > end_of_time / ms ? end_of_time : tick * ms;
    }

    void expire() {
        now_ += std::min(pick(400) == 0 ? year : any_span() >> pick(16), end_of_time - now_);
        if (pick(3) == 0 && !model_.empty()) now_ = std::max(now_, earliest() - pick(2));
        const Nanoseconds target = now_ / ms + (now_ == end_of_time ? 1 : 0);
        for (const auto& [tick, name] : model_)
            if (tick <= target) expected_.push_back(name);
        wheel_.expire(now_);
        agree(expected_.empty());
        expected_.clear();
    }
    void on_fired(int name) {
        ++fired_in_all;
        agree(!expected_.empty() && expected_.front() == name);
        forget(name);
        if (pick(4) == 0) arm(name);
        if (pick(4) == 0) arm(any());
        if (pick(4) == 0) cancel(any());
        if (pick(8) == 0) revive(any());
    }

    std::mt19937_64 random_;
    Nanoseconds now_;
    TimerWheel wheel_;
    Model model_;
    std::map<int, Model::iterator> where_;
    std::vector<std::unique_ptr<Timer>> timers_;
    std::vector<int> expected_; // what the expire under way still has to fire, in order
};

} // namespace

TEST_CASE("the wheel agrees with a naive model over any sequence of calls") {
    for (const Nanoseconds start : {Nanoseconds{0}, 63 * ms + 1, 50 * year, end_of_time - year}) {
        for (const unsigned seed : {1U, 2U, 3U}) {
            CAPTURE(start);
            CAPTURE(seed);
            Comparison comparison(seed, start);
            for (int i = 0; i < 40'000 && comparison.disagreements == 0; ++i) comparison.step();
            CHECK(comparison.disagreements == 0);
            CHECK(comparison.fired_in_all > 1000);
        }
    }
}
