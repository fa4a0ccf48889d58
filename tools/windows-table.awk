# The table of tools/windows-table: a line for each suite, a column for each selector, and one for
# what is no selector's. A report has lines of NAME, ASSERTIONS, FAILURES and maybe why it was
# skipped, with tabs between.

BEGIN {
    columns = split(selectors, column, " ") + 1
    column[columns] = "once"
    for (i = 1; i <= columns; i++) is_column[column[i]] = 1
}

FNR == 1 {
    entry = FILENAME
    sub(/.*\//, "", entry)
    sub(/\.tsv$/, "", entry)
    kind = entry
    sub(/.*\./, "", kind)
    suite = kind in is_column ? substr(entry, 1, length(entry) - length(kind) - 1) : entry
    if (!(kind in is_column)) kind = "once"
    if (!(suite in known)) { known[suite] = 1; suites[++suite_count] = suite }
}

{
    what = $4 != "" ? "skipped" : $3 > 0 ? "failed" : "passed"
    count[suite, kind, what]++
    count["all", kind, what]++
}

function cell(suite, kind,    p, s, f) {
    p = count[suite, kind, "passed"] + 0
    s = count[suite, kind, "skipped"] + 0
    f = count[suite, kind, "failed"] + 0
    return p + s + f == 0 ? "." : p (s ? "+" s : "") (f ? "-" f : "")
}

function line(suite,    i) {
    printf "%-28s", suite
    for (i = 1; i <= columns; i++) printf "%12s", cell(suite, column[i])
    print ""
}

END {
    printf "%-28s", "suite"
    for (i = 1; i <= columns; i++) printf "%12s", column[i]
    print ""
    for (k = 1; k <= suite_count; k++) line(suites[k])
    line("all")
}
