// The tree as a whole: which files belong to it, and which sources nobody builds.
#include "tidy.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <set>

namespace tidy {
namespace {

// Built elsewhere than in the configuration that is checked.
constexpr std::array built_elsewhere = {"src/win32/", "src/uv/", "tests/win32/",
                                        "tests/uv/",  "fuzz/",   "tests/install/"};

std::string output_of(const std::string& command) {
    const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
    std::string output;
    std::array<char, 4096> piece{};
    for (std::size_t count = 1; pipe && count > 0;) {
        count = std::fread(piece.data(), 1, piece.size(), pipe.get());
        output.append(piece.data(), count);
    }
    return output;
}

std::vector<std::string> walk(const std::filesystem::path& root) {
    std::vector<std::string> files;
    std::filesystem::recursive_directory_iterator entry(root);
    for (; entry != std::filesystem::recursive_directory_iterator(); ++entry) {
        const std::string path = entry->path().lexically_relative(root).generic_string();
        if (path == "build") entry.disable_recursion_pending();
        if (entry->is_regular_file()) files.push_back(path);
    }
    return files;
}

} // namespace

std::vector<std::string> files_of(const std::filesystem::path& root) {
    if (!std::filesystem::exists(root / ".git")) return walk(root);
    // The tree may belong to another user than the one that checks it.
    const std::string listing = output_of("git -c safe.directory='*' -C '" + root.string() +
                                          "' ls-files --cached --others --exclude-standard");
    std::vector<std::string> files;
    for (const std::string_view line : lines_of(listing))
        if (std::filesystem::is_regular_file(root / line)) files.emplace_back(line);
    return files;
}

Findings unbuilt_sources(std::span<const std::string> files, const std::filesystem::path& root,
                         std::string_view compile_commands) {
    constexpr std::string_view key = "\"file\": \"";
    std::set<std::string> built;
    for (std::size_t at = compile_commands.find(key); at != compile_commands.npos;
         at = compile_commands.find(key, at + 1)) {
        const std::size_t start = at + key.size();
        const std::filesystem::path file =
            compile_commands.substr(start, compile_commands.find('"', start) - start);
        built.insert(file.lexically_relative(root).generic_string());
    }
    Findings findings;
    for (const std::string& file : files) {
        const bool is_elsewhere =
            std::any_of(built_elsewhere.begin(), built_elsewhere.end(),
                        [&](const char* place) { return file.starts_with(place); });
        if (file.ends_with(".cpp") && !is_elsewhere && !built.contains(file))
            findings.push_back({file, 1, "unbuilt", "no target builds this file"});
    }
    return findings;
}

} // namespace tidy
