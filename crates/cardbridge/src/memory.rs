//! How the process's memory is backed.

/// Keeps the kernel from backing the allocator's arena with huge pages: each would be resident as a
/// whole however little of it is in use, 20 MB in an idle process. Where that is not possible the
/// process works the same.
pub fn use_small_pages() {
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::disable_transparent_huge_pages(true);
}
