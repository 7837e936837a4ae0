//! The natives of `io.firn.nifi.core.NativeLoader`.

use std::time::Duration;

use jni::objects::{JClass, JString};
use jni::sys::jlong;
use jni::{EnvUnowned, jni_mangle};

use crate::loader::LoaderSession;
use crate::{jni_edge, tickets};

/// A handle to a loader with the settings of a JSON document.
#[jni_mangle("io.firn.nifi.core.NativeLoader")]
pub fn open<'local>(
    env: EnvUnowned<'local>,
    _class: JClass<'local>,
    settings: JString<'local>,
) -> jlong {
    jni_edge::run(env, |env| {
        Ok(tickets::issue(LoaderSession::open(&jni_edge::text(
            env, &settings, "settings",
        )?)?))
    })
}

/// What stands in the way of loading, as a JSON array.
#[jni_mangle("io.firn.nifi.core.NativeLoader")]
pub fn verify<'local>(
    env: EnvUnowned<'local>,
    _class: JClass<'local>,
    handle: jlong,
    timeout_millis: jlong,
) -> JString<'local> {
    jni_edge::run(env, |env| {
        let timeout = Duration::from_millis(u64::try_from(timeout_millis).unwrap_or(0));
        let findings = tickets::find::<LoaderSession>(handle)?.verify(timeout)?;
        Ok(env.new_string(findings)?)
    })
}

/// Loads the files of a JSON request; an outcome for each, as a JSON array.
#[jni_mangle("io.firn.nifi.core.NativeLoader")]
pub fn put<'local>(
    env: EnvUnowned<'local>,
    _class: JClass<'local>,
    handle: jlong,
    request: JString<'local>,
) -> JString<'local> {
    jni_edge::run(env, |env| {
        let request = jni_edge::text(env, &request, "request")?;
        let outcomes = tickets::find::<LoaderSession>(handle)?.put(&request)?;
        Ok(env.new_string(outcomes)?)
    })
}

/// Ends the loader.
#[jni_mangle("io.firn.nifi.core.NativeLoader")]
pub fn close<'local>(env: EnvUnowned<'local>, _class: JClass<'local>, handle: jlong) {
    jni_edge::run(env, |_| tickets::close::<LoaderSession>(handle));
}
