/*
 * Firn's generator of customer changes, for C, and for every language that calls C.
 *
 * A handle is a number, not a pointer: a wrong one is an error, not a crash. Any thread may use it; calls on one handle wait for each
 * other. A text is UTF-8 and ends with a NUL. Buffers belong to the caller: their bytes must be initialised, and no other thread may use
 * them during the call. When a call fails, firn_last_error says why.
 *
 * Made by cbindgen from rust/ffi/src/c_abi.rs: do not edit.
 */

#ifndef FIRN_H
#define FIRN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/*
 The library's version, such as "0.1.0". The text is static: do not free it.
 */
const char *firn_version(void);

/*
 Why this thread's last call failed, in UTF-8; empty if it did not. Valid until the thread's next call: do not free it.
 */
const char *firn_last_error(void);

/*
 Opens a stream of customer changes. `options` is a JSON document such as {"seed": 42, "updates": 0.3}; every option is optional, and
 docs/reference/generator-options.md lists them. `position` is where to resume, as `firn_generator_report` returned it, or null. The
 stream ends before the event `end_sequence`; a negative number means no end. Returns a handle, or 0.
 */
int64_t firn_generator_open(const char *options,
                            const char *position,
                            int64_t end_sequence);

/*
 Starts the next file; unread bytes of the last one are skipped. Returns 1, 0 when the stream has ended, or -1.
 */
int32_t firn_generator_next_file(int64_t handle);

/*
 Fills `buffer` with the file's next bytes, as many as fit. Returns their number, 0 at the end of the file, or -1.
 */
int64_t firn_generator_read(int64_t handle,
                            uint8_t *buffer,
                            size_t length);

/*
 Writes the counts of the file that was read into `buffer`, as JSON with a NUL at its end, unless it is longer than `length`. Returns
 the bytes needed, or -1.
 */
int64_t firn_generator_report(int64_t handle,
                              uint8_t *buffer,
                              size_t length);

/*
 Closes the stream. Returns 0, or -1 if it was closed before.
 */
int32_t firn_generator_close(int64_t handle);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* FIRN_H */
