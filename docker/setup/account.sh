# Sourced by setup and jupyter: sets the variables of the account, Snowglobe's unless .env names one.

# An empty variable of compose.yaml is one that .env does not have.
for name in $(env | sed -nE 's/^((SNOWFLAKE|AWS|FIRN|PRIVATE_KEY|NIFI)[A-Z0-9_]*)=$/\1/p'); do
    unset "$name"
done

if [ -n "${SNOWFLAKE_ACCOUNT:-}" ]; then
    # compose.yaml mounts the key of .env there, and nothing if it has none.
    if [ -s /run/firn/key.p8 ]; then
        export SNOWFLAKE_PRIVATE_KEY_FILE=/run/firn/key.p8
    elif [ -z "${SNOWFLAKE_TOKEN:-}" ]; then
        echo "no key for the account $SNOWFLAKE_ACCOUNT: set SNOWFLAKE_PRIVATE_KEY_FILE in docker/.env to the key's path on this machine, and SNOWFLAKE_USER" >&2
        exit 1
    fi
    if [ -e /run/firn/key.p8 ] && [ ! -r /run/firn/key.p8 ]; then
        echo "the key in SNOWFLAKE_PRIVATE_KEY_FILE cannot be read by user 1000, who runs here: chown 1000 it" >&2
        exit 1
    fi
else
    # Snowglobe writes its credentials at its first start.
    for _ in $(seq 120); do
        [ ! -s /run/snowglobe/snowglobe.env ] || break
        sleep 0.5
    done
    if [ ! -s /run/snowglobe/snowglobe.env ]; then
        echo "Snowglobe has not started: it needs COMPOSE_PROFILES=snowglobe in docker/.env, unless that names an account" >&2
        exit 1
    fi
    set -a
    . /run/snowglobe/snowglobe.env
    SNOWFLAKE_HOST=snowglobe SNOWFLAKE_PORT=8085 SNOWFLAKE_PROTOCOL=http
    AWS_ENDPOINT_URL_S3=http://snowglobe:9000 FIRN_STAGE_URL=s3://firn-landing/
    set +a
fi
