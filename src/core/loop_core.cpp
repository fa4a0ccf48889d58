#include "core/loop_core.hpp"
#include "core/resume.hpp"
#include <algorithm>
#include <new>
#include <tidemill/core/inline.hpp>
#include <tidemill/core/require.hpp>

namespace tidemill::detail {

namespace {

std::unique_ptr<Selector> choose_selector(const LoopOptions& options, Seams& seams) {
    if (seams.selector != nullptr) return std::move(seams.selector);
    return or_throw(make_selector(options.selector));
}

ChunkLimits chunk_limits(const LoopOptions& options) noexcept {
    ChunkLimits limits;
    limits.loop_bytes = options.leased_bytes;
    limits.stream_bytes = options.leased_bytes_per_stream;
    return limits;
}

// The cache lines of an object, from its start.
template <std::size_t Lines> void prefetch(const void* object) noexcept {
    constexpr std::size_t line_bytes = 64;
    for (std::size_t i = 0; i < Lines; ++i)
        TIDEMILL_PREFETCH(static_cast<const std::byte*>(object) + i * line_bytes);
}

std::int64_t at_least_one(std::size_t limit) noexcept {
    constexpr std::size_t highest = std::numeric_limits<std::int64_t>::max();
    return static_cast<std::int64_t>(std::clamp<std::size_t>(limit, 1, highest));
}

// A limit of zero would stop the loop, so the least that works takes its place.
LoopOptions usable(LoopOptions options) {
    options.events_per_turn = std::max<std::size_t>(options.events_per_turn, 1);
    options.operations_per_turn = std::max<std::size_t>(options.operations_per_turn, 1);
    options.bytes_per_turn = std::max<std::size_t>(options.bytes_per_turn, 1);
    return options;
}

} // namespace

LoopCore::LoopCore(const LoopOptions& options, Seams seams)
    : TaskOwner(this), events_(std::max<std::size_t>(options.events_per_turn, 1)),
      clock_(options.clock != nullptr ? *options.clock : steady_clock()),
      sockets_(seams.sockets != nullptr ? *seams.sockets : native_sockets()),
      now_ns_(clock_.now().count()),
      coarse_ns_(clock_.coarse_now().count()), share_{at_least_one(options.operations_per_turn),
                                                      at_least_one(options.bytes_per_turn)},
      left_(share_), has_steady_clock_(&clock_ == &steady_clock()), chunks_(chunk_limits(options)),
      wheel_(now_ns_), selector_(choose_selector(options, seams)),
      inbox_(std::make_shared<Inbox>(*this, *selector_, options.posted_closures)),
      options_(usable(options)) {
    counters_.selector_fallbacks = selector_->refused_before();
}

LoopCore::~LoopCore() {
    TIDEMILL_REQUIRE(uses_ == 0, "an EventLoop is not destroyed while it runs");
    inbox_->close();
    for (auto& extension : extensions_)
        if (extension != nullptr) extension->on_loop_gone();
    for (std::size_t slot = 0; slot < slots_.size(); ++slot)
        if (Source* source = slots_[slot].source; source != nullptr) source->on_loop_gone();
    wheel_.detach_all();
    ready_.forget_all();
    for (Deferred* work : deferred_)
        if (work != nullptr) work->list_is_now(nullptr);
    while (gathering_.next != &gathering_)
        static_cast<Gathering&>(*gathering_.next).stop_gathering();
    while (members_ != nullptr) {
        LoopMember& member = *members_;
        remove_member(member);
        member.on_loop_gone();
    }
}

LoopCore::RunGuard::RunGuard(LoopCore& loop) noexcept : loop_(loop), in_use_(loop) {
    loop.check_thread();
    TIDEMILL_REQUIRE(!loop.is_running_, "an EventLoop is not run from inside itself");
    loop.is_running_ = true;
}

void LoopCore::check_can_run() const noexcept {
    check_thread();
    TIDEMILL_REQUIRE(!is_running_, "an EventLoop is not run from inside itself");
    TIDEMILL_REQUIRE(host_ == nullptr, "a guest's EventLoop is run by its host alone");
}

void LoopCore::run_once(Duration max_wait) {
    check_can_run();
    count_exceptions_around();
    turn(max_wait, false);
}

void LoopCore::check_thread() const noexcept {
    TIDEMILL_REQUIRE(inbox_->is_own_thread(),
                     "an EventLoop and what belongs to it stay on the thread that made the loop");
}

void LoopCore::run() {
    check_can_run();
    count_exceptions_around();
    while (!inbox_->take_stop()) turn(Duration(-1), true);
}

void LoopCore::turn(Duration max_wait, bool heeds_stop) {
    const RunGuard guard(*this);
    offer_leases();
    flush_gathered();
    const Duration timeout = time_to_wait(max_wait);
    const std::size_t count = wait_for_events(timeout, heeds_stop);
    read_clock();
    dispatch_events(count);
    wheel_.expire(now_ns_);
    run_ready();
    run_deferred();
    after_callback("task");
    inbox_->run_closures();
    end_gathering();
    after_callback("post");
    rethrow_kept();
}

Duration LoopCore::time_to_wait(Duration max_wait) noexcept {
    ++counters_.turns;
    const Duration limit = max_wait < Duration::zero() ? Selector::forever : max_wait;
    return std::min(limit, time_to_next_work());
}

Duration LoopCore::time_to_next_work() noexcept {
    if (inbox_->has_closures() || !ready_.empty() || !deferred_.empty() ||
        !kept_exceptions_.empty() || gathering_.next != &gathering_)
        return Duration::zero();
    if (wheel_.empty()) return Selector::forever;
    now_ns_ = clock_.now().count();
    const std::int64_t next = *wheel_.next_expiry();
    return Duration(std::max<std::int64_t>(next - now_ns_, 0));
}

std::size_t LoopCore::wait_for_events(Duration timeout, bool heeds_stop) {
    if (timeout > Duration::zero() && !inbox_->may_sleep(heeds_stop)) timeout = Duration::zero();
    const Duration allowed = timeout > Duration::zero() ? clock_.longest_wait(timeout) : timeout;
    const Result<std::size_t> count = selector_->wait(events_, allowed);
    inbox_->after_wait();
    if (!count) return tolerate_failed_wait(count.error());
    failed_waits_ = 0;
    if (*count == 0 && allowed < timeout) clock_.idle_for(timeout);
    counters_.events += *count;
    return *count;
}

// One failed wait (memory, a fault from outside) costs nothing: the next one asks again. A selector
// that goes on failing is beyond repair, and spinning on it would help nobody.
std::size_t LoopCore::tolerate_failed_wait(const Error& error) {
    constexpr unsigned most_failed_waits = 64;
    ++counters_.failed_waits;
    if (++failed_waits_ >= most_failed_waits) throw_error(error);
    return 0;
}

void LoopCore::read_clock() noexcept {
    now_ns_ = clock_.now().count();
    coarse_ns_ = coarse_now_ns();
    callback_began_ns_ = coarse_ns_;
    seen_coarse_ns_ = 0; // by whoever started an operation since the last turn
}

void LoopCore::refresh_now() noexcept {
    now_ns_ = clock_.now().count();
    coarse_ns_ = seen_coarse_ns_;
}

void LoopCore::note_duration(std::int64_t took_ns, const char* name) noexcept {
    const Duration took(took_ns);
    if (took >= options_.slow_callback) ++counters_.slow_callbacks;
    if (took <= counters_.longest_callback) return;
    counters_.longest_callback = took;
    counters_.longest_callback_name = name;
}

TIDEMILL_INLINE Source* LoopCore::find_now(Token token) noexcept {
    if (token.slot >= slots_.size()) return nullptr;
    const Slot& slot = slots_[token.slot];
    return slot.generation == token.generation ? slot.source : nullptr;
}

Source* LoopCore::find(Token token) noexcept { return find_now(token); }

TIDEMILL_INLINE void LoopCore::dispatch(const Event& event) noexcept {
    Source* source = find_now(event.token);
    if (source == nullptr) [[unlikely]]
        return on_stale_event(event.token);
    if (event.ending != Ending::unknown) [[unlikely]]
        source->on_ending(event.ending);
    if (event.readable) {
        if (event.more_behind) [[unlikely]]
            source->on_more_behind();
        source->on_readable();
        if (PromiseBase* const chain = std::exchange(dispatched_, nullptr)) chain->after_run(*this);
    }
    if (!event.writable) [[likely]]
        return;
    // The reader may have destroyed the source, and another may sit in its slot.
    source = find_now(event.token);
    if (source != nullptr) source->on_writable();
}

// The sources and waiting frames of a busy loop do not stay in the cache between turns, so they are
// fetched a few events ahead of their use.
void LoopCore::dispatch_events(std::size_t count) noexcept {
    constexpr std::size_t source_ahead = 4;
    constexpr std::size_t frame_ahead = 2;
    for (std::size_t i = 0; i < count; ++i) {
        if (i + source_ahead < count)
            prefetch<3>(slots_[events_[i + source_ahead].token.slot].source);
        if (i + frame_ahead < count)
            if (const Source* source = slots_[events_[i + frame_ahead].token.slot].source)
                if (const Operation* reader = source->waiting_reader())
                    prefetch<4>(reinterpret_cast<const std::byte*>(reader) - 128);
        dispatch(events_[i]);
    }
}

void LoopCore::run_ready() noexcept {
    ReadyList batch;
    ready_.move_to(batch);
    while (!batch.empty()) {
        Operation& operation = batch.pop();
        operation.waiter().resume();
    }
}

void LoopCore::defer(Deferred& work) {
    if (!work.is_deferred()) work.join(deferred_);
    work_came_up();
}

void Deferred::join(std::vector<Deferred*>& waiting) {
    waiting.push_back(this);
    list = &waiting;
    index = waiting.size() - 1;
}

void Deferred::leave() noexcept {
    if (list != nullptr) (*std::exchange(list, nullptr))[index] = nullptr;
}

void LoopCore::run_deferred() noexcept {
    if (deferred_.empty()) return;
    running_deferred_.swap(deferred_);
    for (Deferred* work : running_deferred_)
        if (work != nullptr) work->list_is_now(&running_deferred_);
    for (std::size_t i = 0; i < running_deferred_.size(); ++i) {
        Deferred* work = running_deferred_[i];
        if (work == nullptr) continue;
        work->leave();
        work->run_deferred();
    }
    running_deferred_.clear();
}

void LoopCore::wants_leases(std::uint32_t slot) noexcept {
    try {
        wanting_leases_.push_back({slot, slots_[slot].generation});
    } catch (const std::bad_alloc&) {
        everybody_wants_leases_ = true;
    }
}

void LoopCore::offer_leases() noexcept {
    if (everybody_wants_leases_) [[unlikely]]
        return offer_leases_to_all();
    if (wanting_leases_.empty() || !chunks_.refused_may_retry()) return;
    std::vector<Token> batch;
    batch.swap(wanting_leases_);
    for (const Token token : batch)
        if (Source* source = find(token); source != nullptr) source->on_leases_returned();
}

void LoopCore::keep_exception(std::exception_ptr exception) noexcept {
    try {
        kept_exceptions_.push_back(std::move(exception));
    } catch (const std::bad_alloc&) {
        ++counters_.failed_tasks; // what cannot be kept is counted at least
    }
}

void LoopCore::rethrow_kept() {
    if (kept_exceptions_.empty()) return;
    const std::exception_ptr first = kept_exceptions_.front();
    kept_exceptions_.erase(kept_exceptions_.begin());
    std::rethrow_exception(first);
}

} // namespace tidemill::detail
