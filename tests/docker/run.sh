#!/usr/bin/env bash
# The whole of docker/compose.yaml, for real: images built, everything healthy, rows in the history, a service killed in the middle,
# the promises checked, and nothing left behind. With Docker where its daemon answers, else with podman, as root.
# `run.sh engine` only looks whether there is one.
set -euo pipefail
cd "$(dirname "$0")/../.."
export COMPOSE_PROJECT_NAME=firn-test-$$
helpers=()
started=$SECONDS

say() {
    printf '%4d s  %s\n' $((SECONDS - started)) "$*"
}
fail() {
    echo "test-docker: $*" >&2
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
    echo "test-docker: no container engine: install Docker and start it, or on Debian or Ubuntu as root: scripts/install-ci.sh" >&2
    exit 1
fi
compose_command=(docker-compose)
! docker compose version >/dev/null 2>&1 || compose_command=(docker compose)
if ! command -v "${compose_command[0]}" >/dev/null; then
    echo "test-docker: no docker compose: install it, or on Debian or Ubuntu: apt-get install docker-compose" >&2
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

# A copy of the folder, so that a .env of the user's own stays out of the way; on ports that nobody else has.
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
# What `firn` says with the arguments, as the role that may read.
ask() {
    compose run --rm --no-deps -T -e SNOWFLAKE_ROLE=FIRN_OWNER setup firn "$@" 2>"$work/asked"
}
history_rows() {
    ask status --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["history"])' || echo 0
}
# Waits until the command succeeds: await SECONDS WHAT COMMAND...
await() {
    local until=$((SECONDS + $1)) what=$2
    shift 2
    while ! "$@"; do
        ((SECONDS < until)) || fail "$what did not come about"
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
left_behind() {
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

# Trouble is told before anything starts, with its cure.
told() { # what is said, settings...
    local expected=$1 said
    shift
    ! said=$(env "$@" "$stack/up" check 2>&1) || fail "docker/up found nothing wrong with $*"
    [[ $said == *"$expected"* ]] || fail "docker/up said of $*: $said"
}
if said=$(env -u COMPOSE_PROFILES "${compose_command[@]}" -f "$stack/compose.yaml" config 2>&1) || [[ $said != *docker/.env* ]]; then
    fail "without .env compose says: $said"
fi
"$stack/up" check | grep -q "nothing on this machine stands in the way" || fail "docker/up finds trouble where none is"
[[ $(stat -c %a "$stack/.env") == 600 ]] || fail "docker/up leaves .env open to others"
python3 -m http.server --bind 127.0.0.1 "$JUPYTER_PORT" >/dev/null 2>&1 &
squatter=$!
await 20 "a listener on port $JUPYTER_PORT" bash -c "exec 3<>/dev/tcp/127.0.0.1/$JUPYTER_PORT" 2>/dev/null
told "port $JUPYTER_PORT is taken: stop what listens there, or set JUPYTER_PORT" A=1
kill "$squatter"
wait "$squatter" 2>/dev/null || true
told "make NIFI_HEAP in docker/.env smaller" NIFI_HEAP=900g
told "shorter than the 12 characters" NIFI_PASSWORD=short
told "there is no such file: give the whole path" SNOWFLAKE_ACCOUNT=ada COMPOSE_PROFILES=account SNOWFLAKE_PRIVATE_KEY_FILE=/nowhere.p8
told "is no private key in PEM" SNOWFLAKE_ACCOUNT=ada COMPOSE_PROFILES=account SNOWFLAKE_PRIVATE_KEY_FILE="$stack/compose.yaml"
told "neither a Snowflake account nor Snowglobe" COMPOSE_PROFILES=account
say "what stands in the way is told at the start"

if [[ $engine == podman ]]; then
    # Podman leaves health checks to systemd's timers, which a machine without systemd lacks.
    while :; do
        for container in $(podman ps -q --filter "label=com.docker.compose.project=$COMPOSE_PROJECT_NAME"); do
            podman healthcheck run "$container" >/dev/null 2>&1 || true
        done
        sleep 1
    done &
    helpers+=($!)
fi

asked=$SECONDS
"$stack/up" --no-build >"$work/up" 2>&1 || { cat "$work/up" >&2; fail "docker/up ended badly"; }
grep -q "NiFi: log in as admin with the password .* (shown this once)" "$work/up" || fail "docker/up shows no login: $(cat "$work/up")"
say "everything is started"
await 120 "the first row in the history" history_exceeds 0
say "the first rows are in the history, $((SECONDS - asked)) s after docker/up"
for service in snowglobe nifi jupyter; do
    await 60 "the health of $service" healthy "$service"
done
say "everything is healthy"

# What is open, and to whom.
[[ $(curl -sk -o /dev/null -w '%{http_code}' "https://localhost:$NIFI_PORT/nifi-api/flow/status") == 401 ]] || fail "NiFi lets strangers in"
[[ $(curl -s -o /dev/null -w '%{http_code}' "http://localhost:$JUPYTER_PORT/api/contents") == 403 ]] || fail "JupyterLab lets strangers in"
for service in snowglobe nifi jupyter; do
    $engine inspect --format '{{json .HostConfig.PortBindings}}' "$(container_of "$service")" | grep -q '"HostIp":"127.0.0.1"' || fail "$service listens to all"
    [[ $($engine inspect --format '{{.Config.User}}' "$(container_of "$service")") =~ ^(1000(:1000)?|nifi)$ ]] || fail "$service runs as root"
done
# As NiFi's canvas and the notebooks would: the C library, and Snowflake's connector with the variables of the container.
compose exec -T jupyter sh -c '. /usr/local/lib/firn/account.sh && python3 -' <<'PYTHON' || fail "a notebook does not reach the account"
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
say "strangers stay out, a notebook reads the history"

# A key that the account does not know: what docker/up asks before it starts anything, here of Snowglobe as if it were an account.
openssl genrsa 2048 2>/dev/null | openssl pkcs8 -topk8 -nocrypt -out "$work/strange.p8"
chmod 644 "$work/strange.p8"
if said=$(SNOWFLAKE_ACCOUNT=FIRN SNOWFLAKE_USER=SNOWGLOBE SNOWFLAKE_HOST=snowglobe AWS_REGION=us-east-1 SNOWFLAKE_PRIVATE_KEY_FILE="$work/strange.p8" \
    compose run --rm --no-deps -T -e SNOWFLAKE_PORT=8085 -e SNOWFLAKE_PROTOCOL=http setup check 2>&1) || [[ $said != *"check the user's RSA_PUBLIC_KEY"* ]]; then
    fail "of a strange key it is said: $said"
fi
say "a key that the account does not know is told with its cure"

# The two that hold something are killed, not stopped, while rows are under way.
for service in snowglobe nifi; do
    before=$(history_rows)
    $engine kill "$(container_of "$service")" >/dev/null
    compose start "$service" >/dev/null 2>&1
    await 120 "more rows after $service was killed" history_exceeds "$before"
    say "$service was killed and started again: the history went on from $before"
done
ask verify || { cat "$work/asked" >&2; fail "a promise does not hold"; }
say "the promises hold"

compose down -v --timeout 60 >/dev/null 2>&1 || fail "down -v failed"
left=$(left_behind)
[[ -z $left ]] || fail "down -v left behind: $left"
say "down -v left nothing"
