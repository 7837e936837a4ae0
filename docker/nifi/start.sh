#!/bin/sh
# Creates a password, a certificate and an encryption key once, in the volume /run/nifi, where setup reads the first two. Then
# runs the start script of the image, which reads the variables below.
set -eu
umask 077
login=/run/nifi
conf=/opt/nifi/nifi-current/conf/nifi.properties

secret() {
    head -c 24 /dev/urandom | base64 | tr '+/' '-_'
}

if [ -n "${NIFI_PASSWORD:-}" ]; then
    if [ "${#NIFI_PASSWORD}" -lt 12 ]; then
        echo "NIFI_PASSWORD in docker/.env is shorter than the 12 characters that NiFi requires: set a longer one, or leave it empty to generate one" >&2
        exit 1
    fi
    printf '%s\n' "$NIFI_PASSWORD" >$login/password
elif [ ! -s $login/password ]; then
    secret >$login/password
    echo "NiFi: log in as $SINGLE_USER_CREDENTIALS_USERNAME with the password $(cat $login/password)   (shown this once)"
fi
[ -s $login/sensitive.key ] || secret >$login/sensitive.key
[ -s $login/store.password ] || secret >$login/store.password

STORE_PASSWORD=$(cat $login/store.password)
export STORE_PASSWORD
if [ ! -s $login/nifi.crt ]; then
    rm -f $login/keystore.p12 $login/truststore.p12
    # The host names that browsers and setup use; NiFi rejects all others.
    keytool -genkeypair -alias nifi -keyalg RSA -keysize 3072 -validity 825 -dname CN=nifi \
        -ext "san=dns:nifi,dns:localhost,ip:127.0.0.1${NIFI_HOST_NAME:+,dns:$NIFI_HOST_NAME}" \
        -storetype PKCS12 -keystore $login/keystore.p12 -storepass:env STORE_PASSWORD
    keytool -exportcert -rfc -alias nifi -keystore $login/keystore.p12 -storepass:env STORE_PASSWORD -file $login/new.crt
    keytool -importcert -noprompt -alias nifi -file $login/new.crt \
        -storetype PKCS12 -keystore $login/truststore.p12 -storepass:env STORE_PASSWORD
    # Last: setup waits for this file and then needs the others.
    mv $login/new.crt $login/nifi.crt
fi

property() {
    if grep -q "^$1=" "$conf"; then
        sed -i "s|^$1=.*|$1=$2|" "$conf"
    else
        printf '\n%s=%s\n' "$1" "$2" >>"$conf"
    fi
}
for store in keystore truststore; do
    property nifi.security.$store $login/$store.p12
    property nifi.security.${store}Type PKCS12
    property nifi.security.${store}Passwd "$STORE_PASSWORD"
done
property nifi.security.keyPasswd "$STORE_PASSWORD"
unset STORE_PASSWORD

# The flow reads files from the first folder and writes rejected rows to the second.
(umask 022 && mkdir -p /opt/firn/files/input /opt/firn/files/rejects)

SINGLE_USER_CREDENTIALS_PASSWORD=$(cat $login/password)
NIFI_SENSITIVE_PROPS_KEY=$(cat $login/sensitive.key)
export SINGLE_USER_CREDENTIALS_PASSWORD NIFI_SENSITIVE_PROPS_KEY
unset NIFI_PASSWORD
exec /opt/nifi/scripts/start.sh
