// A set of the 128 pages of an arena, in two words.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace tidemill::detail {

/// Neighbouring pages.
struct PageRun {
    std::size_t first = 0;
    std::size_t count = 0;
};

class PageMask {
public:
    static constexpr std::size_t page_count = 128;

    // Most messages fit one page, and for them a single bit costs a third of the general way.
    constexpr void add(PageRun run) noexcept {
        if (run.count == 1) {
            words_[run.first / word_bits] |= std::uint64_t{1} << run.first % word_bits;
            return;
        }
        words_[0] |= bits(run, 0);
        words_[1] |= bits(run, 1);
    }
    constexpr void remove(PageRun run) noexcept {
        if (run.count == 1) {
            words_[run.first / word_bits] &= ~(std::uint64_t{1} << run.first % word_bits);
            return;
        }
        words_[0] &= ~bits(run, 0);
        words_[1] &= ~bits(run, 1);
    }
    // By words: the array's own comparison becomes a call of memcmp, dearer than the whole lease.
    constexpr bool operator==(const PageMask& other) const noexcept {
        return words_[0] == other.words_[0] && words_[1] == other.words_[1];
    }

    [[nodiscard]] constexpr std::size_t count() const noexcept {
        return static_cast<std::size_t>(std::popcount(words_[0]) + std::popcount(words_[1]));
    }

    /// The first run of `wanted` pages, or the longest if all are shorter; count 0 if none.
    [[nodiscard]] constexpr PageRun longest_run(std::size_t wanted) const noexcept {
        PageRun best;
        for (std::size_t first = next(0, true); first < page_count;) {
            const std::size_t end = next(first, false);
            if (end - first >= wanted) return {first, wanted};
            if (end - first > best.count) best = {first, end - first};
            first = next(end, true);
        }
        return best;
    }

private:
    static constexpr std::size_t word_bits = 64;

    static constexpr std::uint64_t below(std::size_t bit) noexcept {
        return bit >= word_bits ? ~std::uint64_t{0} : (std::uint64_t{1} << bit) - 1;
    }
    static constexpr std::uint64_t bits(PageRun run, std::size_t word) noexcept {
        const std::size_t start = word * word_bits;
        const std::size_t end = run.first + run.count;
        return below(end > start ? end - start : 0) &
               ~below(run.first > start ? run.first - start : 0);
    }
    /// The first page from `page` on that is in the set, or that is not; 128 if there is none.
    [[nodiscard]] constexpr std::size_t next(std::size_t page, bool member) const noexcept {
        while (page < page_count) {
            const std::uint64_t word = words_[page / word_bits];
            const std::uint64_t rest = (member ? word : ~word) >> (page % word_bits);
            if (rest != 0) return page + static_cast<std::size_t>(std::countr_zero(rest));
            page = (page / word_bits + 1) * word_bits;
        }
        return page_count;
    }

    std::array<std::uint64_t, 2> words_{};
};

} // namespace tidemill::detail
