//! The beginning of a sandbox: one enterprise that can do everything, and the file that describes
//! it (operator-and-sandbox.md section 2).

mod file;
mod kept;
mod provision;
mod vm_app;

pub use file::{FILE_NAME, Known, read_file, write_file};
pub use provision::{Identity, provision};
