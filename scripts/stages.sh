#!/usr/bin/env bash
# Runs make targets one after the other and prints a table of their times, even if one fails: stages.sh TARGET…
# An argument may contain variables of make: stages.sh lint "fuzz FUZZ_SECONDS=30".
set -uo pipefail
cd "$(dirname "$0")/.." || exit
rows=()
passed=0
failed=0
began=$SECONDS

row() { # name, seconds, result
    printf -v line '%-20s %4d min %02d s  %s' "$1" $(($2 / 60)) $(($2 % 60)) "$3"
    rows+=("$line")
}

for stage in "$@"; do
    read -ra words <<<"$stage"
    stage_began=$SECONDS
    if "${MAKE:-make}" --no-print-directory "${words[@]}"; then
        row "${words[0]}" $((SECONDS - stage_began)) ok
        passed=$((passed + 1))
    else
        row "${words[0]}" $((SECONDS - stage_began)) FAIL
        failed=1
        break
    fi
done
row total $((SECONDS - began)) ""
printf '\n'
printf '%s\n' "${rows[@]}"
echo "stages: $passed passed, $failed failed"
exit "$failed"
