#!/usr/bin/env bash
# Installs the missing packages for `make test` on Debian or Ubuntu with apt. Safe to run again; installs nothing if all are present.
set -euo pipefail
cd "$(dirname "$0")/.."
packages=()
command -v cc >/dev/null || packages+=(build-essential)
command -v mvn >/dev/null || packages+=(maven)
for tool in curl unzip python3; do
    command -v "$tool" >/dev/null || packages+=("$tool")
done
command -v chromium >/dev/null || packages+=(chromium)
command -v npm >/dev/null || packages+=(nodejs npm)
python3 -c "import venv, ensurepip" 2>/dev/null || packages+=(python3-venv)
# For `make test-docker` without Docker: podman, and the packages it needs that apt only recommends.
if ! docker info >/dev/null 2>&1; then
    for tool in podman buildah runc debootstrap iptables docker-compose; do
        command -v "$tool" >/dev/null || packages+=("$tool")
    done
    for package in netavark aardvark-dns; do
        dpkg -s "$package" >/dev/null 2>&1 || packages+=("$package")
    done
fi
if ! scripts/find-jdk.sh >/dev/null 2>&1; then
    command -v apt-cache >/dev/null && apt-get update -qq
    for release in 25 21; do
        if apt-cache show "openjdk-$release-jdk-headless" >/dev/null 2>&1; then
            packages+=("openjdk-$release-jdk-headless")
            break
        fi
    done
fi
if [ ${#packages[@]} -gt 0 ]; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}"
fi
scripts/check-prerequisites.sh
