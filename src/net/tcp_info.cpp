#include <array>
#include <cstdio>
#include <tidemill/net/tcp_info.hpp>

namespace tidemill {
namespace {

class Line {
public:
    void add(const std::string& part) {
        if (!text_.empty()) text_ += ", ";
        text_ += part;
    }
    void add_time(const char* name, const std::optional<Duration>& time) {
        if (!time) return;
        std::array<char, 32> digits{};
        const double ms = static_cast<double>(time->count()) / 1e6;
        std::snprintf(digits.data(), digits.size(), "%.3f", ms);
        add(std::string(name) + ' ' + digits.data() + " ms");
    }
    void add_count(const char* name, const std::optional<std::uint64_t>& count, const char* unit) {
        if (count) add(std::string(name) + ' ' + std::to_string(*count) + unit);
    }
    [[nodiscard]] std::string take() { return text_.empty() ? "nothing known" : std::move(text_); }

private:
    std::string text_;
};

} // namespace

const char* name_of(TcpState state) noexcept {
    static constexpr std::array names{"closed",      "listening",  "SYN sent",   "SYN received",
                                      "established", "FIN wait 1", "FIN wait 2", "close wait",
                                      "closing",     "last ACK",   "time wait"};
    return names[static_cast<std::size_t>(state)];
}

std::string TcpInfo::to_string() const {
    Line line;
    if (state) line.add(name_of(*state));
    line.add_time("round trip", round_trip_time);
    line.add_time("varying by", round_trip_variance);
    line.add_count("retransmitted", retransmitted_segments, " segments");
    line.add_count("retransmitted", retransmitted_bytes, " bytes");
    line.add_count("unacknowledged", unacknowledged_bytes, " bytes");
    line.add_count("unsent", unsent_bytes, " bytes");
    line.add_count("congestion window", congestion_window_bytes, " bytes");
    line.add_count("delivery rate", delivery_rate_bytes_per_second, " bytes/s");
    return line.take();
}

} // namespace tidemill
