#!/bin/sh
# Starts JupyterLab with a token, and with the variables of the account for the notebooks.
set -eu
. /usr/local/lib/firn/account.sh
umask 077
token=$HOME/.jupyter-token
if [ -n "${JUPYTER_TOKEN:-}" ]; then
    printf '%s\n' "$JUPYTER_TOKEN" >"$token"
elif [ ! -s "$token" ]; then
    python3 -c 'import secrets; print(secrets.token_urlsafe(24))' >"$token"
    echo "JupyterLab: the token is $(cat "$token")   (shown this once)"
fi
JUPYTER_TOKEN=$(cat "$token")
export JUPYTER_TOKEN
exec jupyter lab --no-browser --ip=0.0.0.0 --port=8888 --ServerApp.root_dir="$HOME/notebooks"
