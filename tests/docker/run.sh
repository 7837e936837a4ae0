#!/usr/bin/env bash
# Tests docker/compose.yaml: builds the images, starts them, waits for rows in the history, kills services, verifies the promises
# and checks that nothing remains. Uses Docker if its daemon responds, else podman as root.
# `run.sh engine` only checks that one of them is available.
set -euo pipefail
cd "$(dirname "$0")/../.."
export COMPOSE_PROJECT_NAME=firn-test-$$
helpers=()
started=$SECONDS

say() {
    printf '%4d s  %s\n' $((SECONDS - started)) "$*"
}
fail() {
    echo "FAIL  $*" >&2
    compose ps >&2 || true
    for service in setup nifi snowglobe jupyter; do
        echo "--- $service" >&2
        compose logs --no-color --tail 30 "$service" >&2 2>/dev/null || true
    done
    exit 1
}

if docker info >/dev/null 2>&1; then
    engine=docker
elif type -P podman >/dev/null && type -P buildah >/dev/null && type -P debootstrap >/dev/null && [[ $(id -u) == 0 ]]; then
    engine=podman
else
    echo "FAIL  no container engine for test-docker. Install and start Docker, or on Debian or Ubuntu as root: scripts/install-ci.sh" >&2
    exit 1
fi
compose_command=(docker-compose)
! docker compose version >/dev/null 2>&1 || compose_command=(docker compose)
if ! command -v "${compose_command[0]}" >/dev/null; then
    echo "FAIL  docker compose is not installed. Install it; on Debian or Ubuntu: apt-get install docker-compose" >&2
    exit 1
fi
[[ ${1:-} != engine ]] || exit 0

work=$(mktemp -d)
if [[ $engine == podman ]]; then
    export CONTAINERS_CONF=$PWD/tests/docker/containers.conf
    podman system service --time 0 "unix://$work/podman.sock" >"$work/podman.log" 2>&1 &
    helpers+=($!)
    export DOCKER_HOST=unix://$work/podman.sock
fi
build() {
    if [[ $engine == podman ]]; then
        tests/docker/bases.sh && tests/docker/build.sh
    else
        (cd docker && COMPOSE_PROFILES=snowglobe DOCKER_BUILDKIT=1 "${compose_command[@]}" -f compose.yaml build --build-arg PROFILE=dev)
    fi
}

# A copy of the folder, so that the user's .env has no effect; on free ports.
stack=$work/docker
cp -r docker "$stack"
rm -f "$stack/.env"
free_ports() {
    python3 -c 'import socket
sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(4)]
print(*(s.getsockname()[1] for s in sockets))'
}
read -r NIFI_PORT JUPYTER_PORT SNOWGLOBE_PORT SNOWGLOBE_S3_PORT < <(free_ports)
export NIFI_PORT JUPYTER_PORT SNOWGLOBE_PORT SNOWGLOBE_S3_PORT NIFI_HEAP=768m FIRN_RATE=200

compose() {
    "${compose_command[@]}" -f "$stack/compose.yaml" --project-directory "$stack" "$@"
}
# Runs `firn` with the arguments, as a role that may read.
run_firn() {
    compose run --rm --no-deps -T -e SNOWFLAKE_ROLE=FIRN_OWNER setup firn "$@" 2>"$work/firn.log"
}
history_rows() {
    run_firn status --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["history"])' || echo 0
}
# Waits until the command succeeds: wait_for SECONDS DESCRIPTION COMMAND...
wait_for() {
    local deadline=$((SECONDS + $1)) timeout=$1 description=$2
    shift 2
    while ! "$@"; do
        ((SECONDS < deadline)) || fail "timeout after $timeout s: $description"
        sleep 1
    done
}
history_exceeds() {
    (($(history_rows) > $1))
}
container_of() {
    compose ps -q "$1" | head -1
}
healthy() {
    [[ $($engine inspect --format '{{.State.Health.Status}}' "$(container_of "$1")" 2>/dev/null) == healthy ]]
}
remaining() {
    $engine ps -aq --filter "label=com.docker.compose.project=$COMPOSE_PROJECT_NAME"
    $engine volume ls -q | grep "^$COMPOSE_PROJECT_NAME" || true
    $engine network ls --format '{{.Name}}' | grep "^$COMPOSE_PROJECT_NAME" || true
}

cleanup() {
    compose down -v --timeout 20 >/dev/null 2>&1 || true
    ((${#helpers[@]} == 0)) || kill "${helpers[@]}" 2>/dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT

build
say "the images are built"

# docker/up reports every problem with a fix before it starts anything.
reports() { # expected message, settings...
    local expected=$1 output
    shift
    ! output=$(env "$@" "$stack/up" check 2>&1) || fail "docker/up check succeeds with $*"
    [[ $output == *"FAIL  "*"$expected"* ]] || fail "docker/up check with $* does not report \"$expected\": $output"
}
if output=$(env -u COMPOSE_PROFILES "${compose_command[@]}" -f "$stack/compose.yaml" config 2>&1) || [[ $output != *docker/.env* ]]; then
    fail "compose does not report a missing .env: $output"
fi
output=$("$stack/up" check 2>&1) && [[ $output == *"ok    prerequisites on this machine"* ]] || fail "docker/up check fails without a reason: $output"
[[ $(stat -c %a "$stack/.env") == 600 ]] || fail "other users can read the .env that docker/up creates"
python3 -m http.server --bind 127.0.0.1 "$JUPYTER_PORT" >/dev/null 2>&1 &
listener=$!
wait_for 20 "a listener on port $JUPYTER_PORT" bash -c "exec 3<>/dev/tcp/127.0.0.1/$JUPYTER_PORT" 2>/dev/null
reports "port $JUPYTER_PORT is in use. Stop the process that listens on it, or set JUPYTER_PORT" A=1
kill "$listener"
wait "$listener" 2>/dev/null || true
reports "reduce NIFI_HEAP in docker/.env" NIFI_HEAP=900g
reports "invalid NIFI_HEAP \`much\`: expected a size" NIFI_HEAP=much
reports "shorter than the 12 characters" NIFI_PASSWORD=short
reports "file not found: /nowhere.p8. Set it to the absolute path" SNOWFLAKE_ACCOUNT=ada COMPOSE_PROFILES=account SNOWFLAKE_PRIVATE_KEY_FILE=/nowhere.p8
reports "is not a readable private key in PEM format" SNOWFLAKE_ACCOUNT=ada COMPOSE_PROFILES=account SNOWFLAKE_PRIVATE_KEY_FILE="$stack/compose.yaml"
reports "neither a Snowflake account nor Snowglobe" COMPOSE_PROFILES=account
say "docker/up reports problems before it starts anything"

if [[ $engine == podman ]]; then
    # Podman runs health checks with systemd timers, which a machine without systemd lacks.
    while :; do
        for container in $(podman ps -q --filter "label=com.docker.compose.project=$COMPOSE_PROJECT_NAME"); do
            podman healthcheck run "$container" >/dev/null 2>&1 || true
        done
        sleep 1
    done &
    helpers+=($!)
fi

up_started=$SECONDS
"$stack/up" --no-build >"$work/up" 2>&1 || { cat "$work/up" >&2; fail "docker/up exits with an error"; }
grep -q "NiFi: log in as admin with the password .* (shown this once)" "$work/up" || fail "docker/up does not show NiFi's login: $(cat "$work/up")"
say "everything is started"
wait_for 120 "the first row in the history" history_exceeds 0
say "the first rows are in the history, $((SECONDS - up_started)) s after docker/up"
for service in snowglobe nifi jupyter; do
    wait_for 60 "$service is healthy" healthy "$service"
done
say "everything is healthy"

# The services reject requests without a login.
[[ $(curl -sk -o /dev/null -w '%{http_code}' "https://localhost:$NIFI_PORT/nifi-api/flow/status") == 401 ]] || fail "NiFi accepts requests without a login"
[[ $(curl -s -o /dev/null -w '%{http_code}' "http://localhost:$JUPYTER_PORT/api/contents") == 403 ]] || fail "JupyterLab accepts requests without a token"
for service in snowglobe nifi jupyter; do
    $engine inspect --format '{{json .HostConfig.PortBindings}}' "$(container_of "$service")" | grep -q '"HostIp":"127.0.0.1"' || fail "$service is not bound to 127.0.0.1"
    [[ $($engine inspect --format '{{.Config.User}}' "$(container_of "$service")") =~ ^(1000(:1000)?|nifi)$ ]] || fail "$service runs as root"
done
# The requirements of the notebooks: the C library, and Snowflake's connector with the variables of the container.
compose exec -T jupyter sh -c '. /usr/local/lib/firn/account.sh && python3 -' <<'PYTHON' || fail "a notebook cannot connect to the account"
import ctypes, os
import snowflake.connector
ctypes.CDLL(os.environ["FIRN_LIBRARY"])
assert "firn" in open(os.environ["FIRN_HEADER"]).read()
with snowflake.connector.connect(
    account=os.environ["SNOWFLAKE_ACCOUNT"], user=os.environ["SNOWFLAKE_USER"], password=os.environ["SNOWFLAKE_TOKEN"],
    host=os.environ["SNOWFLAKE_HOST"], port=int(os.environ["SNOWFLAKE_PORT"]), protocol=os.environ["SNOWFLAKE_PROTOCOL"],
    role="FIRN_OWNER", database="FIRN", schema="PUBLIC",
) as connection:
    assert connection.cursor().execute("select count(*) from CUSTOMER_HISTORY").fetchone()[0] > 0
PYTHON
say "requests without credentials are rejected, a notebook reads the history"

# The login that docker/up checks before it starts anything, with a key that the account rejects; Snowglobe is the account.
openssl genrsa 2048 2>/dev/null | openssl pkcs8 -topk8 -nocrypt -out "$work/unknown.p8"
chmod 644 "$work/unknown.p8"
if output=$(SNOWFLAKE_ACCOUNT=FIRN SNOWFLAKE_USER=SNOWGLOBE SNOWFLAKE_HOST=snowglobe AWS_REGION=us-east-1 SNOWFLAKE_PRIVATE_KEY_FILE="$work/unknown.p8" \
    compose run --rm --no-deps -T -e SNOWFLAKE_PORT=8085 -e SNOWFLAKE_PROTOCOL=http -e FIRN_HTTP_HOSTS=snowglobe setup check 2>&1) || [[ $output != *RSA_PUBLIC_KEY* ]]; then
    fail "an unknown key is not reported: $output"
fi
say "an unknown key is reported with a fix"

# The two services with data are killed, not stopped, while rows are loaded.
for service in snowglobe nifi; do
    before=$(history_rows)
    $engine kill "$(container_of "$service")" >/dev/null
    compose start "$service" >/dev/null 2>&1
    wait_for 120 "more rows after $service was killed" history_exceeds "$before"
    say "$service was killed and restarted: the history grows again from $before rows"
done
run_firn verify || { cat "$work/firn.log" >&2; fail "a promise does not hold"; }
say "the promises hold"

compose down -v --timeout 60 >/dev/null 2>&1 || fail "down -v failed"
left=$(remaining)
[[ -z $left ]] || fail "down -v did not delete: $left"
say "down -v has deleted everything"
