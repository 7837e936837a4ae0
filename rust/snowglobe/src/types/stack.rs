//! Room on the stack for statements that are nested deeply. How deep they may be is limited where they are read; this is what the limits need, on
//! whatever thread a statement runs.

/// With less than this left, the work goes onto a stack of its own.
const ENOUGH: usize = 24 * 1024 * 1024;
/// How large that is. Only what is touched takes memory.
const ROOM: usize = 64 * 1024 * 1024;

/// The stack of threads that run statements: they need no other.
pub const THREAD: usize = 48 * 1024 * 1024;

/// Does `work` with room on the stack.
pub fn with_room<T>(work: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(ENOUGH, ROOM, work)
}
