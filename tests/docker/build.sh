#!/usr/bin/env bash
# Builds the images of docker/compose.yaml with buildah, on the bases that bases.sh made: build.sh [TARGET...]
# What this machine has of toolchains, downloads, registries' settings and trust is lent to the build, and stays out of the images.
set -euo pipefail
cd "$(dirname "$0")/../.."
export CONTAINERS_CONF=${CONTAINERS_CONF:-$PWD/tests/docker/containers.conf}
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
cargo_home=${CARGO_HOME:-$HOME/.cargo}
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
jdk=$(scripts/find-jdk.sh)
maven=$(mvn --version | sed -n 's/^.*Maven home: //p')
mkdir -p "$cargo_home" "$target" "$HOME/.m2/repository"

options=(--network host --layers --pull-never --isolation oci --file docker/Dockerfile
    --build-arg PROFILE="${PROFILE:-dev}"
    --build-arg CARGO_CACHE="$cargo_home" --volume "$cargo_home:$cargo_home"
    # Written over and not into: what is compiled here for other paths is no business of the host's.
    --build-arg TARGET_CACHE="$target" --volume "$target:$target:O"
    --build-arg MAVEN_REPOSITORY=/mnt/m2 --volume "$HOME/.m2/repository:/mnt/m2"
    --volume "$(rustc --print sysroot):/mnt/rust:ro"
    --volume "$jdk:/mnt/jdk:ro" --volume "$maven:/usr/share/maven:ro")
# The jars of Debian's Maven are links to there; a JDK's trust may be one, too.
for lent in /usr/share/java /etc/maven /etc/pip.conf /etc/ssl/certs "$(dirname "$(realpath "$jdk/lib/security/cacerts")")"; do
    if [[ -e $lent && $lent != "$jdk"/* ]]; then
        options+=(--volume "$lent:$lent:ro")
    fi
done

for image in "${@:-snowglobe setup nifi jupyter}"; do
    for name in $image; do
        buildah build "${options[@]}" --target "$name" --tag "localhost/firn/$name:$version" . >"target/docker-$name.log" 2>&1 ||
            { tail -40 "target/docker-$name.log" >&2; echo "the image $name does not build: target/docker-$name.log" >&2; exit 1; }
        echo "built localhost/firn/$name:$version"
    done
done
