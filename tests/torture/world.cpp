#include "torture/world.hpp"

#include <array>
#include <random>
#include <tidemill/net/server.hpp>

namespace tidemill::torture {

namespace {

constexpr Duration virtual_ceiling = 4s;
constexpr auto real_ceiling = 20s;
constexpr auto patience = 300ms; // of real time without an event: a busy machine delivers late
constexpr int quiet_turns = 3;

} // namespace

// Each call answers another address of 127/8, the whole of which is the loopback interface on Linux
// and on Windows. What closes first keeps its address and port in TIME_WAIT for a minute: the
// thousands of runs, with one port each, would leave the machine without a free one of 127.0.0.1.
Endpoint fresh_address() {
    constexpr unsigned per_octet = 254;
    static const unsigned process = std::random_device()() % per_octet;
    static unsigned calls = 0;
    const unsigned call = calls++ % (per_octet * per_octet);
    return or_throw(Endpoint::parse("127." + std::to_string(1 + process) + '.' +
                                    std::to_string(1 + call / per_octet) + '.' +
                                    std::to_string(1 + call % per_octet) + ":0"));
}

// Under Wine, answers of a UDP socket at another address of 127/8 come from 127.0.0.1.
Endpoint any_port() { return or_throw(Endpoint::parse("127.0.0.1:0")); }

// An established connection, both ends in the same loop, whose calls no plan can strike.
struct World::Bystander {
    explicit Bystander(World& owner) : world(owner), scope(owner.loop_, "bystander") {
        auto listener = or_throw(TcpListener::listen(world.loop_, fresh_address()));
        scope.spawn(meet(*listener));
        if (!world.turn_until([&] { return scope.empty(); })) world.find("no bystander came");
        for (const TcpStream* each : {&near, &far}) {
            const NativeSocket socket = each->native_handle();
            world.plan_.exempt(socket);
        }
        scope.spawn(talk());
        scope.spawn(answer());
    }
    Task<void> meet(TcpListener& listener) {
        near = or_throw(co_await TcpStream::connect(world.loop_, listener.endpoint()));
        far = or_throw(co_await listener.accept());
    }
    // A round whenever it is asked for one, so that it does not keep a loop busy that is at rest.
    Task<void> talk() {
        for (unsigned round = 0;; ++round) {
            if (const auto asked = co_await wanted.wait(); !asked) co_return;
            wanted.reset();
            const std::string text = text_of(700 + round, round);
            const auto sent = co_await near.write(text);
            std::string got(text.size(), '\0');
            std::size_t filled = 0;
            while (sent && filled < got.size()) {
                const auto rest = std::as_writable_bytes(std::span(got)).subspan(filled);
                const auto count = co_await near.read(rest);
                if (!count || *count == 0) break;
                filled += *count;
            }
            if (filled != text.size() || got != text) world.find("the bystander was harmed");
            ++rounds;
        }
    }
    Task<void> answer() {
        for (;;) {
            auto chunk = co_await far.read();
            if (!chunk || chunk->empty()) co_return;
            if (const auto sent = co_await far.write(*chunk); !sent) co_return;
        }
    }

    World& world;
    TcpStream near;
    TcpStream far;
    Event wanted;
    unsigned rounds = 0;
    TaskScope scope;
};

std::unique_ptr<detail::LoopCore> World::make_core(World& world, const Plants& plants) {
    auto real = or_throw(detail::make_selector(""));
    auto selector = plants.selector ? plants.selector(std::move(real), world.plan_, world.ledger_)
                                    : std::make_unique<support::FaultySelector>(
                                          std::move(real), world.plan_, world.ledger_);
    world.sockets_ = plants.sockets
                         ? plants.sockets(world.plan_, world.ledger_)
                         : std::make_unique<support::FaultySockets>(world.plan_, world.ledger_);
    world.sockets_->set_selector(*selector);
    LoopOptions options;
    options.clock = &world.clock_;
    detail::Seams seams;
    seams.sockets = world.sockets_.get();
    seams.selector = std::move(selector);
    return std::make_unique<detail::LoopCore>(options, std::move(seams));
}

World::World(const Plants& plants)
    : loop_(make_core(*this, plants)), bystander_(std::make_unique<Bystander>(*this)),
      scope_(loop_, "scenario") {}

World::~World() = default;

// Running

void World::start(Task<void> task) { scope_.spawn(std::move(task)); }

void World::run_all() {
    if (!turn_until([&] { return scope_.empty(); })) {
        find("a task waits for ever");
        scope_.clear();
    }
}

bool World::turn_until(const std::function<bool()>& is_done) {
    const auto real_end = std::chrono::steady_clock::now() + real_ceiling;
    const Duration virtual_end = clock_.now() + virtual_ceiling;
    auto last_event = std::chrono::steady_clock::now();
    Duration step = 1ms;
    int quiet = 0;
    bool has_seen_strike = plan_.has_struck();
    while (!is_done()) {
        const auto now = std::chrono::steady_clock::now();
        const bool is_late = clock_.now() >= virtual_end;
        if (now > real_end || (is_late && now > last_event + patience)) return false;
        const std::uint64_t events = loop_.counters().events;
        loop_.run_once(1ms);
        if (plan_.has_struck() && !std::exchange(has_seen_strike, true)) bystander_->wanted.set();
        if (loop_.counters().events != events) {
            quiet = 0;
            step = 1ms;
            last_event = std::chrono::steady_clock::now();
        } else if (++quiet > quiet_turns && !is_late) {
            clock_.advance(std::min(step, virtual_end - clock_.now()));
            step = std::min<Duration>(2 * step, 500ms);
        }
    }
    return true;
}

void World::came(const std::string& expected, const std::string& got) {
    if (got == expected) return;
    is_incomplete_ = true;
    if (got.size() > expected.size() || expected.compare(0, got.size(), got) != 0)
        find("bytes were lost, doubled or changed: " + std::to_string(got.size()) + " came where " +
             std::to_string(expected.size()) + " were sent");
}

// Afterwards

void World::inspect() {
    constexpr std::size_t bystanders = 2;
    plan_.stop();
    if (!turn_until([&] { return loop_.counters().lingering == 0; }))
        find("a closed stream lingers on");
    check_books(bystanders);
    const unsigned rounds = bystander_->rounds;
    bystander_->wanted.set();
    if (!turn_until([&] { return bystander_->rounds > rounds; }))
        find("the bystander was harmed: it waits for ever");
    echo_afresh();
    bystander_.reset();
    if (!turn_until([&] { return loop_.counters().lingering == 0; }))
        find("the bystander's stream lingers on");
    check_books(0);
    for (const std::string& breach : ledger_.breaches()) find(breach);
}

void World::check_books(std::size_t sockets) {
    if (ledger_.open() != sockets) find("a descriptor was leaked");
    if (ledger_.registered() > sockets) find("a registration was left behind");
    if (loop_.counters().open_sockets != sockets) find("a slot of the loop was leaked");
    if (loop_.counters().leased_bytes != 0) find("leased memory was not given back");
}

void World::echo_afresh() {
    const std::string text = text_of(1000, 7);
    std::string got;
    auto server = Server::listen(loop_, fresh_address());
    if (!server) return find("the loop is not usable: listen failed");
    server->serve([&](Stream& stream) { return echo(*this, stream); });
    const auto ask = [&](Endpoint to) -> Task<void> {
        auto stream = co_await TcpStream::connect(loop_, to);
        if (!stream) co_return;
        if (auto sent = co_await stream->write(text); !sent) co_return;
        got = co_await read_some(*this, *stream, text.size());
    };
    TaskScope asking(loop_, "fresh echo");
    asking.spawn(ask(server->endpoint()));
    const bool has_ended = turn_until([&] { return asking.empty(); });
    if (!has_ended || got != text) find("the loop is not usable: a fresh echo fails");
    if (!turn_until([&] { return server->counters().active == 0; }))
        find("the loop is not usable: a fresh connection does not end");
}

// Conversations

std::string text_of(std::size_t size, std::uint32_t seed) {
    std::string text(size, '\0');
    std::uint32_t state = seed * 2'654'435'761u + 1;
    for (char& c : text) {
        state = state * 1'664'525 + 1'013'904'223;
        c = static_cast<char>(state >> 24);
    }
    return text;
}

Task<void> echo(World& world, Stream& stream) {
    for (;;) {
        auto chunk = co_await stream.read();
        if (!chunk) co_return world.note(chunk.error());
        if (chunk->empty()) co_return;
        const auto sent = co_await stream.write(*chunk);
        if (!sent) co_return world.note(sent.error());
    }
}

Task<bool> converse(World& world, Stream& stream, const std::vector<std::string>& texts) {
    for (const std::string& text : texts) {
        const auto sent = co_await stream.write(text);
        if (!sent) world.note(sent.error());
        std::string got;
        if (sent) got = co_await read_some(world, stream, text.size());
        world.came(text, got);
        if (got != text) co_return false;
    }
    co_return true;
}

Task<std::string> read_some(World& world, Stream& stream, std::size_t size) {
    std::string all;
    while (all.size() < size) {
        const auto chunk = co_await stream.read();
        if (!chunk) world.note(chunk.error());
        if (!chunk || chunk->empty()) break;
        all += chunk->text();
    }
    co_return all;
}

Task<std::string> read_all(World& world, Stream& stream) {
    std::string all;
    for (;;) {
        const auto chunk = co_await stream.read();
        if (!chunk) world.note(chunk.error());
        if (!chunk || chunk->empty()) break;
        all += chunk->text();
    }
    co_return all;
}

} // namespace tidemill::torture
