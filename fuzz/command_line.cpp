// The command line of echo_server: one argument a line. It is taken, or refused in words.
#include "check.hpp"
#include "echo_server/arguments.hpp"
#include <cstdint>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::vector<std::string> words{"echo_server"};
    words.emplace_back();
    for (std::size_t i = 0; i < size; ++i) {
        const char byte = static_cast<char>(data[i]);
        if (byte == '\n')
            words.emplace_back();
        else if (byte != '\0') // no argument can hold one
            words.back() += byte;
    }
    std::vector<const char*> arguments;
    for (const std::string& word : words) arguments.push_back(word.c_str());
    try {
        const auto parsed =
            echo_server::parse_arguments(static_cast<int>(arguments.size()), arguments.data());
        if (!parsed) return 0; // --help
        const std::size_t addresses = parsed->tcp.size() + parsed->tls.size() + parsed->udp.size();
        fuzz::check(addresses > 0, "there is something to listen on");
        fuzz::check(parsed->idle_timeout.count() >= 0, "no limit is negative");
    } catch (const echo_server::WrongArguments& error) {
        fuzz::check(error.what()[0] != '\0', "a refusal says why");
    }
    return 0;
}
