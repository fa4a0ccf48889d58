// The command line of tools/tidy.
//
//     tidy tree <root> <compile_commands.json>      every rule over every file
//     tidy behaviour <behaviour.md> <reports> [windows]
//                                                   documented rules against the run's reports
//
// Prints `path:line: rule: message` for each finding; the status is 1 if there was one.
#include "tidy.hpp"

#include <algorithm>
#include <fstream>
#include <iostream>
#include <iterator>
#include <unistd.h>

namespace {

namespace fs = std::filesystem;

std::string contents_of(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) throw std::runtime_error("cannot read " + path.string());
    return {std::istreambuf_iterator<char>(file), {}};
}

// Data is not ours to lay out.
bool is_checked(std::string_view path, std::string_view text) {
    return !path.starts_with("tests/data/") && !path.starts_with("fuzz/corpus") &&
           text.find('\0') == text.npos;
}

tidy::Findings tree(const fs::path& root, const fs::path& compile_commands) {
    const std::vector<std::string> files = tidy::files_of(root);
    tidy::Findings all = tidy::unbuilt_sources(files, root, contents_of(compile_commands));
    for (const std::string& path : files) {
        const std::string text = contents_of(root / path);
        if (!is_checked(path, text)) continue;
        const tidy::Findings found = tidy::check(tidy::Source(path, text));
        all.insert(all.end(), found.begin(), found.end());
    }
    std::cout << files.size() << " files\n";
    if (files.empty()) all.push_back({root.string(), 0, "tree", "no file was found"});
    return all;
}

tidy::Findings behaviour(const fs::path& document, const fs::path& folder,
                         tidy::Platform platform) {
    std::string all;
    std::vector<tidy::Report> reports;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
        if (entry.path().extension() != ".tsv") continue;
        reports.push_back({entry.path().stem().string(), contents_of(entry.path())});
        all += reports.back().text;
    }
    const tidy::Source source(document.string(), contents_of(document));
    tidy::Findings findings = tidy::check_behaviour(source, all, platform);
    const tidy::Findings more = tidy::check_selectors(source, reports);
    findings.insert(findings.end(), more.begin(), more.end());
    return findings;
}

int print(const tidy::Findings& findings) {
    for (const tidy::Finding& one : findings)
        std::cout << one.path << ':' << one.line << ": " << one.rule << ": " << one.message << '\n';
    std::cout << findings.size() << " findings\n";
    return findings.empty() ? 0 : 1;
}

} // namespace

int main(int argc, char** argv) try {
    const std::vector<std::string> arguments(argv + std::min(argc, 1), argv + argc);
    if (arguments.size() == 3 && arguments[0] == "tree")
        return print(tree(fs::canonical(arguments[1]), arguments[2]));
    if (arguments.size() == 3 && arguments[0] == "behaviour")
        return print(
            behaviour(arguments[1], arguments[2],
                      ::geteuid() == 0 ? tidy::Platform::posix_as_root : tidy::Platform::posix));
    if (arguments.size() == 4 && arguments[0] == "behaviour" && arguments[3] == "windows")
        return print(behaviour(arguments[1], arguments[2], tidy::Platform::windows));
    std::cerr << "usage: tidy tree <root> <compile_commands.json>\n"
                 "       tidy behaviour <behaviour.md> <reports> [windows]\n";
    return 2;
} catch (const std::exception& error) {
    std::cerr << "tidy: " << error.what() << '\n';
    return 2;
}
