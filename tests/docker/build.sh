#!/usr/bin/env bash
# Builds the images of docker/compose.yaml with buildah, on the base images of bases.sh: build.sh [TARGET...]
# Mounts this machine's toolchains, download caches, registry settings and certificates, which do not become part of the images.
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
    # An overlay: objects that are compiled for the paths of the image must not change the cache of this machine.
    --build-arg TARGET_CACHE="$target" --volume "$target:$target:O"
    --build-arg MAVEN_REPOSITORY=/mnt/m2 --volume "$HOME/.m2/repository:/mnt/m2"
    --volume "$(rustc --print sysroot):/mnt/rust:ro"
    --volume "$jdk:/mnt/jdk:ro" --volume "$maven:/usr/share/maven:ro")
# Debian's Maven links to jars there, and a JDK's certificates may be a link.
for mounted in /usr/share/java /etc/maven /etc/pip.conf /etc/ssl/certs "$(dirname "$(realpath "$jdk/lib/security/cacerts")")"; do
    if [[ -e $mounted && $mounted != "$jdk"/* ]]; then
        options+=(--volume "$mounted:$mounted:ro")
    fi
done

for image in "${@:-snowglobe setup nifi jupyter}"; do
    for name in $image; do
        buildah build "${options[@]}" --target "$name" --tag "localhost/firn/$name:$version" . >"target/docker-$name.log" 2>&1 ||
            { tail -40 "target/docker-$name.log" >&2; echo "FAIL  cannot build the image $name. See target/docker-$name.log" >&2; exit 1; }
        echo "built localhost/firn/$name:$version"
    done
done
