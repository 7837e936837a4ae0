//! Shared by all JNI exports: one wrapper that turns errors and panics into Java exceptions, and the conversion of strings and
//! buffers. Knows nothing of their content.

use std::any::Any;

use jni::errors::{ErrorPolicy, Result as JniResult};
use jni::objects::{JByteBuffer, JString, JThrowable};
use jni::refs::Reference as _;
use jni::{Env, EnvUnowned, JValue, jni_sig, jni_str};

use crate::failure::Failure;

/// Throws a [`Failure`], or a panic, as `io.firn.nifi.core.CoreException`.
struct ThrowCoreException;

impl<T: Default> ErrorPolicy<T, Failure> for ThrowCoreException {
    type Captures<'unowned_env_local: 'native_method, 'native_method> = ();

    fn on_error<'unowned_env_local: 'native_method, 'native_method>(
        env: &mut Env<'unowned_env_local>,
        (): &mut (),
        failure: Failure,
    ) -> JniResult<T> {
        throw(env, &failure)?;
        Ok(T::default())
    }

    fn on_panic<'unowned_env_local: 'native_method, 'native_method>(
        env: &mut Env<'unowned_env_local>,
        (): &mut (),
        payload: Box<dyn Any + Send + 'static>,
    ) -> JniResult<T> {
        let failure = Failure::panicked(payload.as_ref());
        // A payload may panic when it is dropped, which would abort the JVM.
        std::mem::forget(payload);
        throw(env, &failure)?;
        Ok(T::default())
    }
}

fn throw(env: &mut Env<'_>, failure: &Failure) -> JniResult<()> {
    if env.exception_check() {
        return Ok(()); // Java's own exception, such as an OutOfMemoryError, is more precise.
    }
    let kind = env.new_string(failure.kind_name())?;
    let message = env.new_string(failure.to_string())?;
    let exception = env.new_object(
        jni_str!("io/firn/nifi/core/CoreException"),
        jni_sig!("(Ljava/lang/String;Ljava/lang/String;)V"),
        &[JValue::Object(&kind), JValue::Object(&message)],
    )?;
    let exception = env.cast_local::<JThrowable>(exception)?;
    match env.throw(&exception) {
        Err(jni::errors::Error::JavaException) => Ok(()),
        other => other,
    }
}

/// Runs the body of an export; an error or a panic in it becomes a `CoreException`, and the export returns a default value.
pub fn run<'local, T: Default>(
    mut env: EnvUnowned<'local>,
    body: impl FnOnce(&mut Env<'local>) -> Result<T, Failure>,
) -> T {
    env.with_env(body).resolve::<ThrowCoreException>()
}

/// The text of a Java string; `what` names it in the message if it is null.
///
/// # Errors
/// `Config` if it is null.
pub fn text(env: &Env<'_>, string: &JString<'_>, what: &str) -> Result<String, Failure> {
    if string.is_null() {
        return Err(Failure::config(format!("{what} is null")));
    }
    Ok(string.try_to_string(env)?)
}

/// Calls `body` with the bytes `start..end` of a direct buffer, for reading and writing.
///
/// # Errors
/// `Config` if the buffer is null, on the heap or read-only in Java, or if the range exceeds it.
pub fn with_bytes<T>(
    env: &Env<'_>,
    buffer: &JByteBuffer<'_>,
    start: i32,
    end: i32,
    body: impl FnOnce(&mut [u8]) -> Result<T, Failure>,
) -> Result<T, Failure> {
    if buffer.is_null() {
        return Err(Failure::config("the buffer is null"));
    }
    let address = env
        .get_direct_buffer_address(buffer)
        .map_err(|_| Failure::config("the buffer is not direct: use ByteBuffer.allocateDirect"))?;
    let capacity = env.get_direct_buffer_capacity(buffer)?;
    let range = usize::try_from(start).ok().zip(usize::try_from(end).ok());
    let Some((start, end)) = range.filter(|(start, end)| start <= end && *end <= capacity) else {
        return Err(Failure::config(format!(
            "bytes {start}..{end} are outside the buffer of {capacity} bytes"
        )));
    };
    #[expect(
        unsafe_code,
        reason = "a direct buffer is reached through its address only"
    )]
    // SAFETY: the JVM guarantees `capacity` bytes at `address`, the range is within them, and the buffer lives as long as this call,
    // which holds a reference to it. Java passes a buffer to one call at a time (NativeGenerator and NativeLoader each own theirs), so
    // no other code accesses the bytes meanwhile; any byte is a valid u8.
    let bytes = unsafe { std::slice::from_raw_parts_mut(address.add(start), end - start) };
    body(bytes)
}
