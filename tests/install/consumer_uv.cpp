// Links tidemill::uv and names nothing of it: the selector has to be there all the same.
#include <tidemill/core/event_loop.hpp>

#include <cstdio>
#include <string_view>

int main() {
    tidemill::LoopOptions options;
    options.selector = "uv";
    tidemill::EventLoop loop(options);
    loop.run_once(tidemill::Duration::zero());
    std::printf("the installed selector works: %s\n", loop.selector_name());
    return std::string_view(loop.selector_name()) == "uv" ? 0 : 1;
}
