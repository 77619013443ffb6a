//! Memory: an allocator for the parsers, which are C, and giving back what is free.
//!
//! The parsers use mimalloc (MIT). A syntax tree is made of some hundred thousand small blocks that are freed together,
//! which the C library's allocator is slow at. The engine itself stays with the system's: its large vectors grow in place
//! there.

use std::ffi::c_void;
use std::sync::Once;

use libmimalloc_sys::{mi_calloc, mi_free, mi_malloc, mi_realloc};

/// Lets parsers take their memory from mimalloc. Call it before anything is parsed.
#[allow(unsafe_code, reason = "the functions are one family, never give null and are installed once, first")]
pub fn install_for_parsers() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let allocator = tree_sitter::Allocator {
            malloc: allocate,
            calloc: allocate_zeroed,
            realloc: resize,
            free: release,
        };
        unsafe { tree_sitter::set_allocator(Some(allocator)) }
    });
}

/// Gives the memory that is free back to the system: the allocator keeps what lies between things in use, which after
/// much short-lived work may be more than these. Does nothing where the C library is not glibc.
pub fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[allow(unsafe_code, reason = "it may be called at any time, from any thread")]
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Ends the process where there is no memory, as the parsers' own functions do.
fn some(block: *mut c_void, bytes: usize) -> *mut c_void {
    if block.is_null() && bytes > 0 { std::process::abort() } else { block }
}

#[allow(unsafe_code, reason = "called by C")]
unsafe extern "C" fn allocate(bytes: usize) -> *mut c_void {
    some(unsafe { mi_malloc(bytes) }, bytes)
}

#[allow(unsafe_code, reason = "called by C")]
unsafe extern "C" fn allocate_zeroed(count: usize, bytes: usize) -> *mut c_void {
    some(unsafe { mi_calloc(count, bytes) }, count.saturating_mul(bytes))
}

#[allow(unsafe_code, reason = "called by C")]
unsafe extern "C" fn resize(block: *mut c_void, bytes: usize) -> *mut c_void {
    some(unsafe { mi_realloc(block, bytes) }, bytes)
}

#[allow(unsafe_code, reason = "called by C")]
unsafe extern "C" fn release(block: *mut c_void) {
    unsafe { mi_free(block) }
}
