//! The native methods of `io.firn.nifi.core.NativeGenerator`.

use jni::objects::{JByteBuffer, JClass, JString};
use jni::refs::Reference as _;
use jni::sys::{jboolean, jint, jlong};
use jni::{EnvUnowned, jni_mangle};

use crate::stream::{self, Stream};
use crate::{jni_edge, tickets};

/// Returns all options with typed values; throws if one is invalid.
#[jni_mangle("io.firn.nifi.core.NativeGenerator")]
pub fn check<'local>(
    env: EnvUnowned<'local>,
    _class: JClass<'local>,
    options: JString<'local>,
) -> JString<'local> {
    jni_edge::run(env, |env| {
        let checked = stream::check(&jni_edge::text(env, &options, "options")?)?;
        Ok(env.new_string(serde_json::to_string(&checked)?)?)
    })
}

/// Throws if `text` is not a value of the option.
#[jni_mangle("io.firn.nifi.core.NativeGenerator")]
pub fn check_text<'local>(
    env: EnvUnowned<'local>,
    _class: JClass<'local>,
    option: JString<'local>,
    text: JString<'local>,
) {
    jni_edge::run(env, |env| {
        let option = jni_edge::text(env, &option, "option")?;
        let text = jni_edge::text(env, &text, "text")?;
        Ok(stream::check_option(&option, &text)?)
    });
}

/// Opens a stream and returns its handle; `position` may be null, and a negative `end_sequence` means no end.
#[jni_mangle("io.firn.nifi.core.NativeGenerator")]
pub fn open<'local>(
    env: EnvUnowned<'local>,
    _class: JClass<'local>,
    options: JString<'local>,
    position: JString<'local>,
    end_sequence: jlong,
) -> jlong {
    jni_edge::run(env, |env| {
        let options = jni_edge::text(env, &options, "options")?;
        let position = if position.is_null() {
            None
        } else {
            Some(jni_edge::text(env, &position, "position")?)
        };
        let stream = Stream::open(
            &options,
            position.as_deref(),
            u64::try_from(end_sequence).ok(),
        )?;
        Ok(tickets::issue(stream))
    })
}

/// Starts the next file; false if there is none.
#[jni_mangle("io.firn.nifi.core.NativeGenerator")]
pub fn next<'local>(env: EnvUnowned<'local>, _class: JClass<'local>, handle: jlong) -> jboolean {
    jni_edge::run(env, |_| {
        Ok(tickets::find::<Stream>(handle)?.lock()?.next_file())
    })
}

/// Fills the buffer's bytes `start..end`; returns their number, 0 at the end of the file.
#[jni_mangle("io.firn.nifi.core.NativeGenerator")]
pub fn read<'local>(
    env: EnvUnowned<'local>,
    _class: JClass<'local>,
    handle: jlong,
    buffer: JByteBuffer<'local>,
    start: jint,
    end: jint,
) -> jint {
    jni_edge::run(env, |env| {
        let stream = tickets::find::<Stream>(handle)?;
        jni_edge::with_bytes(env, &buffer, start, end, |bytes| {
            // A Java buffer holds less than 2^31 bytes.
            Ok(stream.lock()?.read(bytes) as jint)
        })
    })
}

/// Returns the report of the file that was read, as JSON.
#[jni_mangle("io.firn.nifi.core.NativeGenerator")]
pub fn report<'local>(
    env: EnvUnowned<'local>,
    _class: JClass<'local>,
    handle: jlong,
) -> JString<'local> {
    jni_edge::run(env, |env| {
        let report = tickets::find::<Stream>(handle)?.lock()?.report()?;
        Ok(env.new_string(serde_json::to_string(&report)?)?)
    })
}

/// Closes the stream.
#[jni_mangle("io.firn.nifi.core.NativeGenerator")]
pub fn close<'local>(env: EnvUnowned<'local>, _class: JClass<'local>, handle: jlong) {
    jni_edge::run(env, |_| tickets::close::<Stream>(handle));
}
