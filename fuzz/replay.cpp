// Gives each file of the directories on the command line to a fuzz target, where libFuzzer is not
// there to do it. Words that begin with a dash are for libFuzzer. Leaves the report of a test run.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

void replay(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    const std::vector<char> bytes{std::istreambuf_iterator<char>(file),
                                  std::istreambuf_iterator<char>()};
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
}

} // namespace

int main(int argc, char** argv) {
    int count = 0;
    std::string name;
    for (int i = 1; i < argc; ++i) {
        if (argv[i][0] == '-') continue;
        name = std::filesystem::path(argv[i]).filename().string();
        for (const auto& entry : std::filesystem::directory_iterator(argv[i])) {
            replay(entry.path());
            ++count;
        }
    }
    std::printf("replayed %d inputs\n", count);
    if (const char* const path = std::getenv("TIDEMILL_TEST_REPORT"))
        std::ofstream(path, std::ios::binary)
            << "the corpus of " << name << " is replayed without harm\t" << count << "\t0\n";
    return count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
