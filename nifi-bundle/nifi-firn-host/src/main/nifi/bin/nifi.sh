#!/usr/bin/env bash
# Runs this NiFi in the foreground, on loopback, for tests and the demo: nifi.sh [RUN_FOLDER] [PORT] [MANAGEMENT_PORT]
# The run folder (default: this home) gets its own conf, extensions, state and repositories; lib is shared. JAVA_HOME must be a JDK of at least 21.
set -euo pipefail
home=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
run=${1:-$home}
port=${2:-8080}
management_port=${3:-52020}
java=${JAVA_HOME:?set JAVA_HOME to a JDK of at least 21, as scripts/find-jdk.sh prints}/bin/java

mkdir -p "$run/logs"
if [[ $(cd "$run" && pwd) != "$home" ]]; then
    mkdir -p "$run/conf" "$run/extensions"
    [[ -e $run/lib ]] || ln -s "$home/lib" "$run/lib"
    cp "$home"/conf/{nifi.properties,state-management.xml,logback.xml} "$run/conf/"
    # Only into a fresh folder: a test may have put another version there.
    compgen -G "$run/extensions/*.nar" >/dev/null || cp "$home"/extensions/*.nar "$run/extensions/"
fi
cd "$run"
sed -i "s/^nifi.web.http.port=.*/nifi.web.http.port=$port/" conf/nifi.properties
exec "$java" -cp "conf:lib/*" -Xmx1g -Djava.io.tmpdir="${TMPDIR:-/tmp}" -Dnifi.properties.file.path=conf/nifi.properties \
    -Dorg.apache.nifi.management.server.address="127.0.0.1:$management_port" \
    -Dorg.apache.nifi.bootstrap.config.log.dir=logs --enable-native-access=ALL-UNNAMED org.apache.nifi.NiFi
