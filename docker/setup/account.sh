# shellcheck shell=sh disable=SC2034  # set -a exports the variables
# Sourced by setup and jupyter: sets the variables of the account, or of Snowglobe if .env names no account.

# compose.yaml passes a setting that is missing in .env as an empty variable.
for name in $(env | sed -nE 's/^((SNOWFLAKE|AWS|FIRN|PRIVATE_KEY|NIFI)[A-Z0-9_]*)=$/\1/p'); do
    unset "$name"
done

if [ -n "${SNOWFLAKE_ACCOUNT:-}" ]; then
    # compose.yaml mounts the key from .env here, or /dev/null without a key.
    if [ -s /run/firn/key.p8 ]; then
        export SNOWFLAKE_PRIVATE_KEY_FILE=/run/firn/key.p8
    elif [ -z "${SNOWFLAKE_TOKEN:-}" ]; then
        echo "no credentials for the account $SNOWFLAKE_ACCOUNT: set SNOWFLAKE_USER and SNOWFLAKE_PRIVATE_KEY_FILE (a path on this machine) in docker/.env" >&2
        exit 1
    fi
    if [ -e /run/firn/key.p8 ] && [ ! -r /run/firn/key.p8 ]; then
        echo "user 1000 cannot read SNOWFLAKE_PRIVATE_KEY_FILE: run chown 1000 on the file" >&2
        exit 1
    fi
else
    # Snowglobe writes its credentials when it starts for the first time.
    for _ in $(seq 120); do
        [ ! -s /run/snowglobe/snowglobe.env ] || break
        sleep 0.5
    done
    if [ ! -s /run/snowglobe/snowglobe.env ]; then
        echo "Snowglobe has not started: set COMPOSE_PROFILES=snowglobe or SNOWFLAKE_ACCOUNT in docker/.env" >&2
        exit 1
    fi
    set -a
    . /run/snowglobe/snowglobe.env
    SNOWFLAKE_HOST=snowglobe SNOWFLAKE_PORT=8085 SNOWFLAKE_PROTOCOL=http FIRN_HTTP_HOSTS=snowglobe
    AWS_ENDPOINT_URL_S3=http://snowglobe:9000 FIRN_STAGE_URL=s3://firn-landing/
    set +a
fi
