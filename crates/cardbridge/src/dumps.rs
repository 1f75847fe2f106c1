//! Prevents copies of the process's memory, which holds the master key, secrets of enterprises and
//! card data.

use platform::Failure;
use rustix::process::{Resource, Rlimit, setrlimit};

/// Forbids core files, whatever the limit was, and prevents everybody but the machine's
/// administrator from reading the process's memory.
///
/// # Errors
/// The operating system refuses.
pub fn forbid() -> Result<(), Failure> {
    let refused = |error: rustix::io::Errno| {
        Failure::run(format_args!("memory cannot be kept out of core files: {error}"))
    };
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }).map_err(refused)?;
    // If core files go to a program instead of a file, the limit does not apply.
    #[cfg(target_os = "linux")]
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)
        .map_err(refused)?;
    Ok(())
}
