#include "tls_client/arguments.hpp"
#include <array>
#include <cstdio>
#include <string_view>
#include <system_error>

namespace tls_client {

using namespace tidemill;

namespace {

constexpr const char* usage =
    "usage: tls_client HOST PORT [--ca FILE] [--insecure] [--alpn PROTOCOL]...";

Endpoint address_of(const std::string& host, const std::string& port) {
    const std::string address = host == "localhost" ? "127.0.0.1" : host;
    const bool is_v6 = address.find(':') != std::string::npos;
    return or_throw(Endpoint::parse((is_v6 ? '[' + address + ']' : address) + ':' + port));
}

} // namespace

Arguments parse_arguments(int argc, const char* const* argv) {
    if (argc < 3) throw std::runtime_error(usage);
    TlsClientOptions options;
    for (int i = 3; i < argc; ++i) {
        const std::string_view argument = argv[i];
        if (argument == "--insecure") {
            options.verify = false;
            std::fputs("tls_client: --insecure: anybody may be at the other end\n", stderr);
        } else if (argument == "--ca" && i + 1 < argc) {
            options.trust.authorities.emplace_back(argv[++i]);
        } else if (argument == "--alpn" && i + 1 < argc) {
            options.alpn.emplace_back(argv[++i]);
        } else {
            throw std::runtime_error(usage);
        }
    }
    return {argv[1], address_of(argv[1], argv[2]), or_throw(TlsClientContext::make(options))};
}

int exit_status(const std::exception& error) noexcept {
    struct Status {
        std::error_condition condition;
        int status;
    };
    const auto ours = [](Errc code) { return make_error_code(code).default_error_condition(); };
    const std::array<Status, 6> known{{{std::errc::connection_refused, 2},
                                       {std::errc::connection_reset, 3},
                                       {std::errc::timed_out, 4},
                                       {ours(Errc::not_trusted), 5},
                                       {ours(Errc::truncated), 6},
                                       {ours(Errc::tls_alert), 7}}};
    const auto* const system = dynamic_cast<const std::system_error*>(&error);
    if (system == nullptr) return 1;
    for (const Status& each : known)
        if (system->code() == each.condition) return each.status;
    return 1;
}

} // namespace tls_client
