//! The functions of `include/firn.h`, for notebooks and other languages. None of them unwinds or aborts: an error or a panic becomes a return
//! value, and `firn_last_error` returns its message, per thread.

use std::cell::RefCell;
use std::ffi::{CStr, CString, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::failure::Failure;
use crate::stream::Stream;
use crate::tickets;

thread_local! {
    static LAST_ERROR: RefCell<CString> = RefCell::default();
}

/// Runs the body of a function; on an error or a panic it stores the message and returns `failed`.
fn run<T>(failed: T, body: impl FnOnce() -> Result<T, Failure>) -> T {
    let outcome = catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|payload| {
        let failure = Failure::panicked(payload.as_ref());
        // A payload may panic again when it is dropped.
        std::mem::forget(payload);
        Err(failure)
    });
    let (value, error) = match outcome {
        Ok(value) => (value, CString::default()),
        Err(failure) => (
            failed,
            CString::new(failure.to_string().replace('\0', "\u{fffd}")).unwrap_or_default(),
        ),
    };
    LAST_ERROR.with(|last| *last.borrow_mut() = error);
    value
}

/// The text at `pointer`; `what` names it in the message if it is null.
fn text<'a>(pointer: *const c_char, what: &str) -> Result<&'a str, Failure> {
    if pointer.is_null() {
        return Err(Failure::config(format!("{what} is null")));
    }
    #[expect(unsafe_code, reason = "a C string is reached through its address only")]
    // SAFETY: the header requires a text that ends with a NUL and does not change during the call.
    let text = unsafe { CStr::from_ptr(pointer) };
    text.to_str()
        .map_err(|error| Failure::config(format!("{what} is not UTF-8: {error}")))
}

/// The `length` writable bytes at `pointer`.
fn bytes<'a>(pointer: *mut u8, length: usize) -> Result<&'a mut [u8], Failure> {
    if pointer.is_null() {
        return Err(Failure::config("the buffer is null"));
    }
    if isize::try_from(length).is_err() {
        return Err(Failure::config(format!(
            "invalid buffer length: {length} bytes"
        )));
    }
    #[expect(unsafe_code, reason = "a C buffer is reached through its address only")]
    // SAFETY: the header requires `length` writable, initialised bytes that no other thread accesses during the call.
    Ok(unsafe { std::slice::from_raw_parts_mut(pointer, length) })
}

/// The library's version, such as "0.1.0". The text is static: do not free it.
#[expect(unsafe_code, reason = "an exported symbol")]
#[unsafe(no_mangle)]
pub extern "C" fn firn_version() -> *const c_char {
    const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");
    VERSION.as_ptr().cast()
}

/// Why this thread's last call failed, in UTF-8; empty if it did not. Valid until the thread's next call: do not free it.
#[expect(unsafe_code, reason = "an exported symbol")]
#[unsafe(no_mangle)]
pub extern "C" fn firn_last_error() -> *const c_char {
    LAST_ERROR.with(|last| last.borrow().as_ptr())
}

/// Opens a stream of customer changes. `options` is a JSON document such as {"seed": 42, "updates": 0.3}; every option is optional, and
/// docs/reference/generator-options.md lists them. `position` is where to resume, as `firn_generator_report` returned it, or null. The
/// stream ends before the event `end_sequence`; a negative number means no end. Returns a handle, or 0.
#[expect(unsafe_code, reason = "an exported symbol")]
#[unsafe(no_mangle)]
pub extern "C" fn firn_generator_open(
    options: *const c_char,
    position: *const c_char,
    end_sequence: i64,
) -> i64 {
    run(0, || {
        let options = text(options, "options")?;
        let position = if position.is_null() {
            None
        } else {
            Some(text(position, "position")?)
        };
        Ok(tickets::issue(Stream::open(
            options,
            position,
            u64::try_from(end_sequence).ok(),
        )?))
    })
}

/// Starts the next file; unread bytes of the last one are skipped. Returns 1, 0 when the stream has ended, or -1.
#[expect(unsafe_code, reason = "an exported symbol")]
#[unsafe(no_mangle)]
pub extern "C" fn firn_generator_next_file(handle: i64) -> i32 {
    run(-1, || {
        Ok(i32::from(
            tickets::find::<Stream>(handle)?.lock()?.next_file(),
        ))
    })
}

/// Fills `buffer` with the file's next bytes, as many as fit. Returns their number, 0 at the end of the file, or -1.
#[expect(unsafe_code, reason = "an exported symbol")]
#[unsafe(no_mangle)]
pub extern "C" fn firn_generator_read(handle: i64, buffer: *mut u8, length: usize) -> i64 {
    run(-1, || {
        let buffer = bytes(buffer, length)?;
        // No buffer is longer than isize::MAX.
        Ok(tickets::find::<Stream>(handle)?.lock()?.read(buffer) as i64)
    })
}

/// Writes the counts of the file that was read into `buffer`, as JSON with a NUL at its end, unless it is longer than `length`. Returns
/// the bytes needed, or -1.
#[expect(unsafe_code, reason = "an exported symbol")]
#[unsafe(no_mangle)]
pub extern "C" fn firn_generator_report(handle: i64, buffer: *mut u8, length: usize) -> i64 {
    run(-1, || {
        let report = tickets::find::<Stream>(handle)?.lock()?.report()?;
        let mut json = serde_json::to_vec(&report)?;
        json.push(0);
        if json.len() <= length {
            bytes(buffer, length)?[..json.len()].copy_from_slice(&json);
        }
        Ok(json.len() as i64)
    })
}

/// Closes the stream. Returns 0, or -1 if it was closed before.
#[expect(unsafe_code, reason = "an exported symbol")]
#[unsafe(no_mangle)]
pub extern "C" fn firn_generator_close(handle: i64) -> i32 {
    run(-1, || tickets::close::<Stream>(handle).map(|()| 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last_error() -> String {
        text(firn_last_error(), "the error").unwrap().to_owned()
    }

    #[test]
    fn a_file_is_read_into_the_callers_buffer() {
        let handle = firn_generator_open(c"{\"rows_per_file\": 10}".as_ptr(), std::ptr::null(), 15);
        assert_ne!(handle, 0, "{}", last_error());
        let (mut csv, mut buffer) = (Vec::new(), [0; 64]);
        while firn_generator_next_file(handle) == 1 {
            while let filled @ 1.. = firn_generator_read(handle, buffer.as_mut_ptr(), buffer.len())
            {
                csv.extend_from_slice(&buffer[..filled as usize]);
            }
        }
        assert_eq!(csv.iter().filter(|&&byte| byte == b'\n').count(), 15 + 2);
        assert_eq!(firn_generator_close(handle), 0);
        assert_eq!(firn_generator_close(handle), -1);
        assert_eq!(
            last_error(),
            format!("handle {handle} is closed: open a new one")
        );
    }

    #[test]
    fn null_and_invalid_arguments_are_reported_with_a_reason() {
        assert_eq!(
            firn_generator_open(std::ptr::null(), std::ptr::null(), -1),
            0
        );
        assert_eq!(last_error(), "options is null");
        assert_eq!(
            firn_generator_open(c"\xff\xfe".as_ptr(), std::ptr::null(), -1),
            0
        );
        assert!(last_error().starts_with("options is not UTF-8"));
        let handle = firn_generator_open(c"{}".as_ptr(), std::ptr::null(), -1);
        assert_eq!(last_error(), "");
        assert_eq!(firn_generator_read(handle, std::ptr::null_mut(), 10), -1);
        assert_eq!(last_error(), "the buffer is null");
        assert_eq!(firn_generator_report(handle, std::ptr::null_mut(), 0), -1);
        assert!(last_error().starts_with("no file was read to its end"));
        firn_generator_close(handle);
    }

    #[test]
    fn a_panic_becomes_a_return_value() {
        assert_eq!(run(-1, || panic!("the sky fell")), -1);
        assert!(last_error().ends_with(": the sky fell"));
    }

    #[test]
    fn the_header_matches_the_output_of_cbindgen() {
        let root = env!("CARGO_MANIFEST_DIR");
        let config = cbindgen::Config::from_file(format!("{root}/cbindgen.toml")).unwrap();
        let bindings = cbindgen::Builder::new()
            .with_config(config)
            .with_src(format!("{root}/src/c_abi.rs"))
            .generate()
            .unwrap();
        let path = format!("{root}/include/firn.h");
        if std::env::var_os("FIRN_BLESS").is_some() {
            bindings.write_to_file(&path);
        }
        let mut generated = Vec::new();
        bindings.write(&mut generated);
        let checked_in = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            String::from_utf8(generated).unwrap() == checked_in,
            "firn.h is stale: FIRN_BLESS=1 cargo test -p firn-ffi"
        );
    }
}
