// The program of several loops.
//
// Each loop has a LoopService and shares nothing with the others but limits and the TLS context,
// which are made for it. The first loop leads: it hears the signals and asks the others by post
// for what is to be told. `services_[i]` is written and read on the thread of loop i only, and
// `final_[i]` is read after that thread has ended.
#include "echo_server/many_loops.hpp"
#include "echo_server/loop_service.hpp"
#include <atomic>
#include <cstdio>
#include <deque>
#include <mutex>
#include <optional>

namespace echo_server {

using namespace tidemill;

namespace {

// The first loop waits a little longer for the others than their end may take.
constexpr Duration look_interval = std::chrono::milliseconds(5);
constexpr int most_looks = 1'200;

LoopPoolOptions pool_options(const Arguments& arguments) {
    LoopPoolOptions options;
    options.loops = arguments.threads;
    options.loop = loop_options(arguments);
    return options;
}

/// Figures of all loops on their way together. Whoever lets go of it last prints them: a loop that
/// is gone, or whose box is full, adds nothing and delays nothing.
class Gathering {
public:
    Gathering() = default;
    Gathering(const Gathering&) = delete;
    Gathering& operator=(const Gathering&) = delete;
    ~Gathering() { print_stats(sum_); }
    void add(const Figures& figures) {
        const std::lock_guard lock(mutex_);
        sum_ += figures;
    }

private:
    std::mutex mutex_;
    Figures sum_;
};

/// Counts a loop that goes, however it goes.
class Departure {
public:
    explicit Departure(std::atomic<std::size_t>& departed) noexcept : departed_(departed) {}
    Departure(const Departure&) = delete;
    Departure& operator=(const Departure&) = delete;
    ~Departure() { ++departed_; }

private:
    std::atomic<std::size_t>& departed_;
};

class ManyLoops {
public:
    explicit ManyLoops(const Arguments& arguments)
        : arguments_(arguments), pool_(pool_options(arguments)), services_(pool_.size()),
          final_(pool_.size()) {}
    void listen();
    void run();

private:
    /// One address of connections.
    struct Shared {
        PoolListener listener;
        std::shared_ptr<SharedLimits> limits;
    };

    [[nodiscard]] Shared open(const Endpoint& address) const;
    Task<void> serve(PoolLoop& here);
    void start(LoopService& service, PoolLoop& here);
    void say_where() const;
    Task<void> lead(PoolLoop& here, LoopService& service);
    Task<void> end_all_on_request(Signals& signals);
    Task<void> gather_stats();
    Task<void> print_connections_on_request(EventLoop& loop);
    void add_limits(Figures& figures) const;

    const Arguments& arguments_;
    LoopPool pool_;
    std::optional<TlsServerContext> context_;
    std::deque<Shared> tcp_;
    std::deque<Shared> tls_;
    std::deque<PoolUdp> udp_;
    std::vector<LoopService*> services_;
    std::vector<Figures> final_;
    std::atomic<std::size_t> departed_{0};
};

ManyLoops::Shared ManyLoops::open(const Endpoint& address) const {
    return {or_throw(PoolListener::listen(pool_, address)),
            std::make_shared<SharedLimits>(arguments_.max_connections,
                                           arguments_.max_connections_per_address)};
}

void ManyLoops::listen() {
    for (const Endpoint& address : arguments_.tcp) tcp_.push_back(open(address));
    for (const Endpoint& address : arguments_.tls) tls_.push_back(open(address));
    for (const Endpoint& address : arguments_.udp)
        udp_.push_back(or_throw(PoolUdp::bind(pool_, address, udp_options(arguments_))));
    if (!tls_.empty()) context_ = make_context(arguments_);
}

void ManyLoops::start(LoopService& service, PoolLoop& here) {
    const ServerOptions tcp = server_options(arguments_, false);
    const ServerOptions tls = server_options(arguments_, true);
    for (Shared& each : tcp_)
        service.serve_tcp(or_throw(each.listener.server_on(here, tcp)), each.limits);
    for (Shared& each : tls_)
        service.serve_tls(or_throw(each.listener.server_on(here, tls)), *context_, each.limits);
    for (PoolUdp& each : udp_)
        if (auto socket = each.socket_on(here)) service.serve_udp(std::move(socket));
}

Task<void> ManyLoops::serve(PoolLoop& here) {
    const Departure departure(departed_); // first: also if something throws
    LoopService service(here.loop());
    start(service, here);
    service.return_memory();
    services_[here.index()] = &service;
    if (here.index() == 0) {
        co_await lead(here, service);
    } else {
        static_cast<void>(co_await here.stop_requested());
        co_await service.drain();
    }
    services_[here.index()] = nullptr;
    final_[here.index()] = service.figures();
}

// The signals stay caught until all loops have ended, so that a second one is heard until then.
Task<void> ManyLoops::lead(PoolLoop& here, LoopService& service) {
    EventLoop& loop = here.loop();
    Signals signals(loop, {Signal::interrupt, Signal::terminate, Signal::broken_pipe});
    TaskScope background(loop, "echo_server");
    if (context_ && !arguments_.certificate_file.empty())
        background.spawn(reload_on_hangup(loop, *context_));
    background.spawn(end_all_on_request(signals));
    say_where();
    if (arguments_.prints_stats) {
        background.spawn(gather_stats());
        background.spawn(print_connections_on_request(loop));
    }
    static_cast<void>(co_await here.stop_requested());
    co_await service.drain();
    for (int tries = 0; tries < most_looks && departed_ + 1 < pool_.size(); ++tries)
        static_cast<void>(co_await sleep(look_interval));
}

void ManyLoops::say_where() const {
    for (const Shared& each : tcp_)
        say(stdout, "listening tcp " + each.listener.endpoint().to_string());
    for (const Shared& each : tls_)
        say(stdout, "listening tls " + each.listener.endpoint().to_string());
    for (const PoolUdp& each : udp_) say(stdout, "listening udp " + each.endpoint().to_string());
}

Task<void> ManyLoops::end_all_on_request(Signals& signals) {
    const bool is_requested = co_await end_requested(signals);
    if (!is_requested) co_return;
    pool_.stop();
    co_await give_up_at_next_signal(signals);
}

void ManyLoops::add_limits(Figures& figures) const {
    for (const Shared& each : tcp_) figures.tcp.refused += each.limits->refused();
    for (const Shared& each : tls_) figures.tls.refused += each.limits->refused();
}

Task<void> ManyLoops::gather_stats() {
    while (const auto slept = co_await sleep(std::chrono::seconds(1))) {
        const auto gathering = std::make_shared<Gathering>();
        for (std::size_t i = 0; i < pool_.size(); ++i)
            static_cast<void>(pool_.post(i, [this, i, gathering] {
                if (services_[i] != nullptr) gathering->add(services_[i]->figures());
            }));
        Figures known;
        add_limits(known);
        gathering->add(known);
    }
}

Task<void> ManyLoops::print_connections_on_request(EventLoop& loop) {
    Signals requests(loop, {Signal::user1});
    while (const auto request = co_await requests.next())
        for (std::size_t i = 0; i < pool_.size(); ++i)
            static_cast<void>(pool_.post(i, [this, i] {
                if (services_[i] != nullptr) services_[i]->print_connections();
            }));
}

void ManyLoops::run() {
    pool_.run([this](PoolLoop& here) { return serve(here); });
    Figures all;
    for (const Figures& each : final_) all += each;
    add_limits(all);
    print_served(arguments_, all);
}

} // namespace

void serve_on_many_loops(const Arguments& arguments) {
    ManyLoops loops(arguments);
    loops.listen();
    loops.run();
}

} // namespace echo_server
