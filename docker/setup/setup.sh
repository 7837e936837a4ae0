#!/bin/sh
# Brings a stack to life: the account's objects, then the flow on NiFi's canvas. Safe to run again. With `check`, only looks
# whether the account lets us in. Anything else is run as a command with the account's variables: `setup firn status`.
set -eu
. /usr/local/lib/firn/account.sh

case "${1:-}" in
"") ;;
check) exec firn doctor ;;
*) exec "$@" ;;
esac

if [ "$SNOWFLAKE_ACCOUNT" = FIRN ] && [ "${SNOWFLAKE_HOST:-}" = snowglobe ]; then
    # 75 says: worth trying again.
    for _ in $(seq 60); do
        code=0
        firn bootstrap --triggered || code=$?
        [ "$code" = 75 ] || break
        sleep 1
    done
    [ "$code" = 0 ] || exit "$code"
else
    # An account's objects are made once, by somebody who may: docker/ec2/README.md.
    firn doctor
fi

# NiFi leaves its certificate, and the password it starts with, for us.
for _ in $(seq 120); do
    [ ! -s /run/nifi/nifi.crt ] || break
    sleep 0.5
done
firn flow --flow /usr/local/share/firn/flow.json
