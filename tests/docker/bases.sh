#!/usr/bin/env bash
# Creates the base images of docker/Dockerfile, under the same names, on a machine without an image registry: a Debian by
# debootstrap, with this machine's Rust, Java, Maven and Python. Keeps images that exist already.
# Needs root, debootstrap and buildah, and the NiFi from `make nifi`.
set -euo pipefail
cd "$(dirname "$0")/../.."
export CONTAINERS_CONF=${CONTAINERS_CONF:-$PWD/tests/docker/containers.conf}
work=${TMPDIR:-/tmp}/firn-bases.$$
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"

# The name of the base image $1 in the Dockerfile.
name_of() {
    sed -n "s/^ARG ${1}_IMAGE=//p" docker/Dockerfile
}

missing() {
    ! buildah inspect --type image "$1" >/dev/null 2>&1
}

# Starts an image from the Debian image, as $container.
begin() {
    container=$(buildah from --pull-never "$(name_of DEBIAN)")
}

install_packages() {
    buildah run --network host --env DEBIAN_FRONTEND=noninteractive "$container" \
        sh -c 'apt-get update -qq && apt-get install -y -qq --no-install-recommends "$@" >/dev/null && apt-get clean' install "$@"
}

finish() {
    buildah commit --rm --quiet "$container" "$1" >/dev/null
    echo "created $1"
}

if missing "$(name_of DEBIAN)"; then
    debootstrap --variant=minbase --include=ca-certificates bookworm "$work/debian" >"$work/log" || { tail -20 "$work/log" >&2; exit 1; }
    rm -rf "$work"/debian/var/cache/apt/archives/*.deb "$work"/debian/var/lib/apt/lists/* "$work"/debian/usr/share/{doc,man,locale}/*
    container=$(buildah from scratch)
    buildah add --quiet "$container" "$work/debian" / >/dev/null
    buildah config --cmd bash --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$container"
    finish "$(name_of DEBIAN)"
fi

# tests/docker/build.sh mounts the toolchains during a build: the image contains only links to them.
if missing "$(name_of RUST)"; then
    begin
    install_packages gcc g++ make cmake libc6-dev tzdata curl
    for tool in cargo rustc; do
        buildah run "$container" ln -s "/mnt/rust/bin/$tool" "/usr/local/bin/$tool"
    done
    finish "$(name_of RUST)"
fi

if missing "$(name_of MAVEN)"; then
    begin
    buildah config --env JAVA_HOME=/mnt/jdk --env PATH=/mnt/jdk/bin:/usr/local/bin:/usr/bin:/bin "$container"
    buildah run "$container" ln -s /usr/share/maven/bin/mvn /usr/local/bin/mvn
    finish "$(name_of MAVEN)"
fi

if missing "$(name_of PYTHON)"; then
    prefix=$(python3 -c 'import sys; print(sys.base_prefix)')
    begin
    if [[ $prefix == /usr ]]; then
        install_packages python3 python3-pip
        # As in the official image, pip may install into the system's Python.
        buildah run "$container" sh -c 'rm -f /usr/lib/python3*/EXTERNALLY-MANAGED'
    else
        # A Python outside /usr goes to the path of the official image.
        mkdir -p "$work/python/bin"
        cp -a "$prefix/lib" "$work/python/"
        cp -a "$prefix"/bin/{python3*,pip*} "$work/python/bin/"
        for packages in "$work"/python/lib/python3*/site-packages; do
            find "$packages" -mindepth 1 -maxdepth 1 ! -name 'pip*' -exec rm -rf {} +
        done
        rm -rf "$work"/python/lib/{python3*/test,python3*/config-*,lib*.a}
        grep -rlIF "#!$prefix" "$work/python/bin" | xargs -r sed -i "1s|^#!$prefix|#!/usr/local|"
        buildah add --quiet "$container" "$work/python" /usr/local >/dev/null
        install_packages libssl3 libffi8 libsqlite3-0 libbz2-1.0 liblzma5 libreadline8 zlib1g libncursesw6 libuuid1
        buildah run "$container" ldconfig
    fi
    finish "$(name_of PYTHON)"
fi

if missing "$(name_of NIFI)"; then
    jdk=$(scripts/find-jdk.sh)
    built=nifi-bundle/nifi-firn-host/target/nifi
    [[ -d $built/lib ]] || { echo "FAIL  there is no NiFi in $built. Run: make nifi" >&2; exit 1; }
    home=$work/nifi/opt/nifi/nifi-current
    mkdir -p "$home"/{conf,logs,state,database_repository,flowfile_repository,content_repository,provenance_repository,nar_extensions} \
        "$work/classes/META-INF/services" "$work/nifi/opt/nifi/scripts" "$work/nifi/usr/lib/jvm"
    cp -r "$built/lib" "$home/"
    cp "$built"/conf/{state-management.xml,logback.xml} "$home/conf/"
    cp tests/docker/nifi/start.sh "$work/nifi/opt/nifi/scripts/"
    cp -rL "$jdk" "$work/nifi/usr/lib/jvm/java"
    rm -rf "$work"/nifi/usr/lib/jvm/java/{jmods,lib/src.zip}

    "$jdk/bin/javac" --release 21 -cp "$built/lib/*" -d "$work/classes" tests/docker/nifi/src/*.java
    echo firn.docker.OneUserLogin >"$work/classes/META-INF/services/org.apache.nifi.authentication.LoginIdentityProvider"
    echo firn.docker.OneUserAuthorizer >"$work/classes/META-INF/services/org.apache.nifi.authorization.Authorizer"
    "$jdk/bin/jar" --create --file "$home/lib/one-user.jar" -C "$work/classes" .
    echo '<authorizers><authorizer><identifier>single-user-authorizer</identifier><class>firn.docker.OneUserAuthorizer</class></authorizer></authorizers>' \
        >"$home/conf/authorizers.xml"
    {
        grep -v '^nifi.web.http\.\|^nifi.nar.library.autoload' "$built/conf/nifi.properties"
        cat <<'PROPERTIES'
nifi.nar.library.autoload.directory=./nar_extensions
nifi.web.http.host=
nifi.web.http.port=
nifi.web.https.host=
nifi.web.https.port=8443
nifi.web.proxy.host=
nifi.login.identity.provider.configuration.file=./conf/login-identity-providers.xml
nifi.security.user.login.identity.provider=single-user-provider
nifi.authorizer.configuration.file=./conf/authorizers.xml
nifi.security.user.authorizer=single-user-authorizer
nifi.security.allow.anonymous.authentication=false
PROPERTIES
    } >"$home/conf/nifi.properties"

    begin
    buildah run "$container" sh -c 'groupadd --gid 1000 nifi && useradd --uid 1000 --gid 1000 --create-home --shell /bin/bash nifi'
    buildah add --quiet --chown 1000:1000 "$container" "$work/nifi" / >/dev/null
    buildah config --user nifi --workingdir /opt/nifi/nifi-current --port 8443 --env NIFI_HOME=/opt/nifi/nifi-current \
        --env JAVA_HOME=/usr/lib/jvm/java --env PATH=/usr/lib/jvm/java/bin:/usr/local/bin:/usr/bin:/bin \
        --volume /opt/nifi/nifi-current/conf --volume /opt/nifi/nifi-current/nar_extensions \
        --entrypoint '["/opt/nifi/scripts/start.sh"]' "$container"
    finish "$(name_of NIFI)"
fi
