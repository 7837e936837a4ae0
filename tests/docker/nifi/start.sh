#!/bin/bash
# Replaces the start script of the official image: applies the variables that docker/compose.yaml sets.
set -euo pipefail
conf=$NIFI_HOME/conf/nifi.properties
replace() {
    sed -i "s|^$1=.*|$1=$2|" "$conf"
}
replace nifi.web.https.host "${NIFI_WEB_HTTPS_HOST:-$HOSTNAME}"
replace nifi.web.https.port "${NIFI_WEB_HTTPS_PORT:-8443}"
replace nifi.web.proxy.host "${NIFI_WEB_PROXY_HOST:-}"
[[ -z ${NIFI_SENSITIVE_PROPS_KEY:-} ]] || replace nifi.sensitive.props.key "$NIFI_SENSITIVE_PROPS_KEY"
if [[ -n ${SINGLE_USER_CREDENTIALS_USERNAME:-} && -n ${SINGLE_USER_CREDENTIALS_PASSWORD:-} ]]; then
    digest=$(printf %s "$SINGLE_USER_CREDENTIALS_PASSWORD" | sha256sum | cut -d' ' -f1)
    cat >"$NIFI_HOME/conf/login-identity-providers.xml" <<XML
<loginIdentityProviders>
  <provider>
    <identifier>single-user-provider</identifier>
    <class>firn.docker.OneUserLogin</class>
    <property name="Username">$SINGLE_USER_CREDENTIALS_USERNAME</property>
    <property name="Password SHA-256">$digest</property>
  </provider>
</loginIdentityProviders>
XML
fi
unset SINGLE_USER_CREDENTIALS_PASSWORD NIFI_SENSITIVE_PROPS_KEY

cd "$NIFI_HOME"
java -cp "conf:lib/*" "-Xms${NIFI_JVM_HEAP_INIT:-512m}" "-Xmx${NIFI_JVM_HEAP_MAX:-1g}" -Dnifi.properties.file.path=conf/nifi.properties \
    -Dorg.apache.nifi.bootstrap.config.log.dir=logs --enable-native-access=ALL-UNNAMED org.apache.nifi.NiFi &
nifi=$!
tail -F --pid="$nifi" logs/nifi-app.log 2>/dev/null &
trap 'kill "$nifi"; wait "$nifi"; exit 0' TERM HUP INT
wait "$nifi"
