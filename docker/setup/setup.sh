#!/bin/sh
# Creates the objects in Snowglobe, then adds the flow to NiFi's canvas. Safe to run again.
#   setup            set up everything            setup check    check the account only
#   setup firn …     run a command with the variables of the account
set -eu
. /usr/local/lib/firn/account.sh

case "${1:-}" in
"") ;;
check) exec firn doctor ;;
*) exec "$@" ;;
esac

if [ "$SNOWFLAKE_ACCOUNT" = FIRN ] && [ "${SNOWFLAKE_HOST:-}" = snowglobe ]; then
    # Exit code 75: a temporary failure.
    for _ in $(seq 60); do
        code=0
        firn bootstrap || code=$?
        [ "$code" = 75 ] || break
        sleep 1
    done
    [ "$code" = 0 ] || exit "$code"
else
    # An administrator has created the objects of an account: see docker/ec2/README.md.
    firn doctor
fi

# NiFi writes its certificate and password here.
for _ in $(seq 120); do
    [ ! -s /run/nifi/nifi.crt ] || break
    sleep 0.5
done
firn flow --flow /usr/local/share/firn/flow.json
