//! Programs that a run pretends not to have, to test the behaviour of a machine without them.

use std::ffi::OsStr;

use crate::command::Failure;

/// The result of `find`; `None` if the environment hides it by setting `variable` to 1.
pub fn unless_hidden<T>(
    variable: &str,
    find: impl FnOnce() -> Result<Option<T>, Failure>,
) -> Result<Option<T>, Failure> {
    unless(is_on(std::env::var_os(variable).as_deref()), find)
}

fn unless<T>(
    is_hidden: bool,
    find: impl FnOnce() -> Result<Option<T>, Failure>,
) -> Result<Option<T>, Failure> {
    if is_hidden { Ok(None) } else { find() }
}

fn is_on(value: Option<&OsStr>) -> bool {
    value.is_some_and(|value| value == "1")
}

#[cfg(test)]
mod tests {
    use super::{is_on, unless};

    #[test]
    fn what_is_hidden_is_not_even_looked_for() {
        assert_eq!(unless(false, || Ok(Some("program"))), Ok(Some("program")));
        assert_eq!(unless::<()>(true, || Err("looked".to_owned())), Ok(None));
        assert!(is_on(Some("1".as_ref())));
        assert!(!is_on(Some("0".as_ref())) && !is_on(Some("".as_ref())) && !is_on(None));
    }
}
