#!/usr/bin/env bash
# Prints the JAVA_HOME of a JDK 21 or newer, which NiFi 2.x and our classes need, or an error that says how to install one.
# Searches JAVA_HOME, PATH, and the folders where distributions, SDKMAN and Gradle install JDKs.
set -euo pipefail
required=21

# The feature release of the JDK in folder $1, or nothing if it is not a JDK (a JRE has no javac).
release_of() {
    [[ -x $1/bin/javac ]] || return 0
    "$1/bin/javac" -version 2>&1 | sed -nE 's/^javac ([0-9]+).*/\1/p'
}

candidates=()
[[ -n ${JAVA_HOME:-} ]] && candidates+=("$JAVA_HOME")
if javac=$(command -v javac); then
    candidates+=("$(dirname "$(dirname "$(readlink -f "$javac")")")")
fi
shopt -s nullglob
candidates+=(/usr/lib/jvm/* /usr/java/* /opt/java/* /opt/jdk* "$HOME"/.sdkman/candidates/java/* "$HOME"/.jdks/*
    "$HOME"/.gradle/jdks/* /Library/Java/JavaVirtualMachines/*/Contents/Home)

for home in "${candidates[@]}"; do
    release=$(release_of "$home")
    if [[ -n $release && $release -ge $required ]]; then
        echo "$home"
        exit 0
    fi
done
echo "FAIL  JDK $required or newer not found. Set JAVA_HOME, or install one: apt-get install openjdk-21-jdk-headless, or sdk install java 21-tem" >&2
exit 1
