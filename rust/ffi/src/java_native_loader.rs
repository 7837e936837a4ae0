//! The native methods of `io.firn.nifi.core.NativeLoader`.

use std::time::Duration;

use jni::objects::{JByteBuffer, JClass, JObject, JString};
use jni::refs::Reference as _;
use jni::sys::{jint, jlong};
use jni::{Env, EnvUnowned, JValue, jni_mangle, jni_sig, jni_str};

use crate::contents::Caller;
use crate::failure::Failure;
use crate::loader::LoaderSession;
use crate::{jni_edge, tickets};

/// Opens a loader with the settings of a JSON document, and returns its handle.
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

/// Checks everything that loading needs; returns the findings as a JSON array.
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

/// Loads the contents of a JSON request; returns an outcome for each, as a JSON array. `contents` is a `NativeContents`, `buffer` its buffer.
#[jni_mangle("io.firn.nifi.core.NativeLoader")]
pub fn put<'local>(
    env: EnvUnowned<'local>,
    _class: JClass<'local>,
    handle: jlong,
    request: JString<'local>,
    contents: JObject<'local>,
    buffer: JByteBuffer<'local>,
) -> JString<'local> {
    jni_edge::run(env, |env| {
        let session = tickets::find::<LoaderSession>(handle)?;
        let request = jni_edge::text(env, &request, "request")?;
        if contents.is_null() {
            return Err(Failure::config("contents is null"));
        }
        let outcomes = session.put(
            &request,
            &mut JavaContents {
                env: &mut *env,
                contents,
                buffer,
            },
        )?;
        Ok(env.new_string(outcomes)?)
    })
}

/// The contents in Java. A Java exception ends the load and is thrown to the caller of `put`.
struct JavaContents<'env, 'local> {
    env: &'env mut Env<'local>,
    contents: JObject<'local>,
    buffer: JByteBuffer<'local>,
}

fn number(file: usize) -> JValue<'static> {
    // A request lists far fewer files.
    JValue::Int(jint::try_from(file).unwrap_or(jint::MAX))
}

impl Caller for JavaContents<'_, '_> {
    fn rewind(&mut self, file: usize) -> Result<(), Failure> {
        self.env.call_method(
            &self.contents,
            jni_str!("rewind"),
            jni_sig!("(I)V"),
            &[number(file)],
        )?;
        Ok(())
    }

    fn read(&mut self, file: usize, piece: &mut Vec<u8>) -> Result<(), Failure> {
        let filled = self.env.call_method(
            &self.contents,
            jni_str!("read"),
            jni_sig!("(I)I"),
            &[number(file)],
        )?;
        jni_edge::with_bytes(self.env, &self.buffer, 0, filled.i()?, |bytes| {
            piece.extend_from_slice(bytes);
            Ok(())
        })
    }

    fn rejected(&mut self, file: usize, csv: &[u8]) -> Result<(), Failure> {
        let length = jint::try_from(csv.len()).unwrap_or(jint::MAX);
        jni_edge::with_bytes(self.env, &self.buffer, 0, length, |bytes| {
            bytes.copy_from_slice(csv);
            Ok(())
        })?;
        self.env.call_method(
            &self.contents,
            jni_str!("rejected"),
            jni_sig!("(II)V"),
            &[number(file), JValue::Int(length)],
        )?;
        Ok(())
    }

    fn is_cancelled(&mut self) -> Result<bool, Failure> {
        let cancelled = self.env.call_method(
            &self.contents,
            jni_str!("isCancelled"),
            jni_sig!("()Z"),
            &[],
        )?;
        Ok(cancelled.z()?)
    }
}

/// Closes the loader.
#[jni_mangle("io.firn.nifi.core.NativeLoader")]
pub fn close<'local>(env: EnvUnowned<'local>, _class: JClass<'local>, handle: jlong) {
    jni_edge::run(env, |_| tickets::close::<LoaderSession>(handle));
}
