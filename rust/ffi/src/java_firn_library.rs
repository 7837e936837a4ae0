//! The native methods of `io.firn.nifi.core.FirnLibrary`: version, log, and a hook for the Java test of panics.

use jni::objects::{JClass, JString};
use jni::sys::jint;
use jni::{EnvUnowned, jni_mangle};
use log::LevelFilter;

use crate::failure::Failure;
use crate::{jni_edge, log_queue};

/// The version of the core.
#[jni_mangle("io.firn.nifi.core.FirnLibrary")]
pub fn version<'local>(env: EnvUnowned<'local>, _class: JClass<'local>) -> JString<'local> {
    jni_edge::run(env, |env| Ok(env.new_string(env!("CARGO_PKG_VERSION"))?))
}

/// Starts collecting log lines of `level` (0 is off, 5 is trace) and more severe ones.
#[jni_mangle("io.firn.nifi.core.FirnLibrary")]
pub fn listen<'local>(env: EnvUnowned<'local>, _class: JClass<'local>, level: jint) {
    jni_edge::run(env, |_| {
        let filter = LevelFilter::iter().nth(usize::try_from(level).unwrap_or(usize::MAX));
        let filter = filter.ok_or_else(|| {
            Failure::config(format!("invalid log level {level}: expected 0 to 5"))
        })?;
        log_queue::install();
        log::set_max_level(filter);
        Ok(())
    });
}

/// The log lines since the last call as a JSON array, or null when there are none.
#[jni_mangle("io.firn.nifi.core.FirnLibrary")]
pub fn drain_log<'local>(env: EnvUnowned<'local>, _class: JClass<'local>) -> JString<'local> {
    jni_edge::run(env, |env| {
        let lines = log_queue::drain();
        if lines.is_empty() {
            return Ok(JString::default());
        }
        Ok(env.new_string(serde_json::to_string(&lines)?)?)
    })
}

/// Panics with `message`.
#[jni_mangle("io.firn.nifi.core.FirnLibrary")]
#[expect(
    clippy::panic,
    reason = "a Java test sees that the JVM survives a panic"
)]
pub fn panic<'local>(env: EnvUnowned<'local>, _class: JClass<'local>, message: JString<'local>) {
    jni_edge::run(env, |env| -> Result<(), Failure> {
        let message = jni_edge::text(env, &message, "message")?;
        panic!("{message}")
    });
}
