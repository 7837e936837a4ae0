#!/bin/sh
# Before NiFi starts: a password, a certificate and a key for its secrets, made once and kept in the volume /run/nifi, where
# setup finds the first two. Then the image's own start, which reads the variables below.
set -eu
umask 077
kept=/run/nifi
conf=/opt/nifi/nifi-current/conf/nifi.properties

secret() {
    head -c 24 /dev/urandom | base64 | tr '+/' '-_'
}

if [ -n "${NIFI_PASSWORD:-}" ]; then
    if [ "${#NIFI_PASSWORD}" -lt 12 ]; then
        echo "NIFI_PASSWORD in docker/.env is shorter than the 12 characters that NiFi asks for: make it longer, or leave it empty to have one made" >&2
        exit 1
    fi
    printf '%s\n' "$NIFI_PASSWORD" >$kept/password
elif [ ! -s $kept/password ]; then
    secret >$kept/password
    echo "NiFi: log in as $SINGLE_USER_CREDENTIALS_USERNAME with the password $(cat $kept/password)   (shown this once)"
fi
[ -s $kept/sensitive.key ] || secret >$kept/sensitive.key
[ -s $kept/store.password ] || secret >$kept/store.password

STORE_PASSWORD=$(cat $kept/store.password)
export STORE_PASSWORD
if [ ! -s $kept/nifi.crt ]; then
    rm -f $kept/keystore.p12 $kept/truststore.p12
    # The names by which a browser and setup reach it; NiFi answers to no other.
    keytool -genkeypair -alias nifi -keyalg RSA -keysize 3072 -validity 825 -dname CN=nifi \
        -ext "san=dns:nifi,dns:localhost,ip:127.0.0.1${NIFI_HOST_NAME:+,dns:$NIFI_HOST_NAME}" \
        -storetype PKCS12 -keystore $kept/keystore.p12 -storepass:env STORE_PASSWORD
    keytool -exportcert -rfc -alias nifi -keystore $kept/keystore.p12 -storepass:env STORE_PASSWORD -file $kept/new.crt
    keytool -importcert -noprompt -alias nifi -file $kept/new.crt \
        -storetype PKCS12 -keystore $kept/truststore.p12 -storepass:env STORE_PASSWORD
    # Last, so that who sees it finds the rest.
    mv $kept/new.crt $kept/nifi.crt
fi

property() {
    if grep -q "^$1=" "$conf"; then
        sed -i "s|^$1=.*|$1=$2|" "$conf"
    else
        printf '\n%s=%s\n' "$1" "$2" >>"$conf"
    fi
}
for store in keystore truststore; do
    property nifi.security.$store $kept/$store.p12
    property nifi.security.${store}Type PKCS12
    property nifi.security.${store}Passwd "$STORE_PASSWORD"
done
property nifi.security.keyPasswd "$STORE_PASSWORD"
unset STORE_PASSWORD

# The flow's files: where it looks for changes, and leaves what it refused.
(umask 022 && mkdir -p /opt/firn/files/landing /opt/firn/files/rejected)

SINGLE_USER_CREDENTIALS_PASSWORD=$(cat $kept/password)
NIFI_SENSITIVE_PROPS_KEY=$(cat $kept/sensitive.key)
export SINGLE_USER_CREDENTIALS_PASSWORD NIFI_SENSITIVE_PROPS_KEY
unset NIFI_PASSWORD
exec /opt/nifi/scripts/start.sh
