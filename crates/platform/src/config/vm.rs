//! The `[vm]` table: the operator's settings of dialect 2 (vm-api.md section 16).

use std::collections::BTreeSet;

use toml::Value;
use wire::vm::VmSettings;
use wire::vm::error_code::{ErrorCodes, ErrorName};
use wire::vm::time::Offset;
use wire::vm::token::{MAX_LIFETIME_S, MIN_LIFETIME_S};
use wire::vm::transaction::State;

use super::Layers;
use super::document::Document;
use super::sections::VmSection;
use crate::failure::Failure;

/// The settings of dialect 2: from the file where it has them, otherwise the defaults.
pub fn settings(layers: &Layers) -> Result<VmSettings, Failure> {
    let mut settings = VmSettings::default();
    for document in [Some(layers.defaults()), layers.file()].into_iter().flatten() {
        let Some(section) = document.vm() else { continue };
        let refused = |(key, should_be): (String, String)| refused(document, &key, &should_be);
        apply(section, &mut settings).map_err(refused)?;
    }
    Ok(settings)
}

fn refused(document: &Document, key: &str, should_be: &str) -> Failure {
    Failure::configuration(format_args!("{}: vm.{key}: should be {should_be}", document.name()))
}

/// Overlays the table's values on the settings; a failure is a key and what it should be.
fn apply(section: &VmSection, settings: &mut VmSettings) -> Result<(), (String, String)> {
    let wrong = |key: &str, should_be: &str| (key.to_owned(), should_be.to_owned());
    if let Some(value) = &section.utc_offset {
        let offset = value.as_str().and_then(Offset::parse_difference);
        let should_be = "a difference from UTC such as \"+08:00\", \"-14:00\" to \"+14:00\"";
        settings.offset = offset.ok_or_else(|| wrong("utc-offset", should_be))?;
    }
    if let Some(value) = &section.first_status {
        settings.open_state = match value.as_str().map(str::parse) {
            Some(Ok(state @ (State::Pending | State::Complete))) => state,
            _ => return Err(wrong("first-status", "\"PENDING\" or \"COMPLETE\"")),
        };
    }
    if let Some(value) = &section.token_lifetime_s {
        let seconds =
            value.as_integer().filter(|it| (MIN_LIFETIME_S..=MAX_LIFETIME_S).contains(it));
        settings.token_lifetime_s = seconds.ok_or_else(|| {
            let should_be = format!("a number of seconds, {MIN_LIFETIME_S} to {MAX_LIFETIME_S}");
            wrong("token-lifetime-s", &should_be)
        })?;
    }
    if let Some(value) = &section.extra_fields {
        let wanted = value.as_bool();
        settings.extra_fields = wanted.ok_or_else(|| wrong("extra-fields", "true or false"))?;
    }
    if let Some(value) = &section.error_codes {
        settings.codes = codes(value)?;
    }
    Ok(())
}

fn codes(value: &Value) -> Result<ErrorCodes, (String, String)> {
    let Some(table) = value.as_table() else {
        return Err(("error-codes".to_owned(), "a table of numbers".to_owned()));
    };
    let (mut codes, mut seen) = (ErrorCodes::default(), BTreeSet::new());
    for (key, value) in table {
        let path = || format!("error-codes.{key}");
        let Some(name) = ErrorName::parse(&key.replace('_', "-")) else {
            let names: Vec<_> = ErrorName::ALL.iter().map(|it| it.as_str()).collect();
            return Err((path(), format!("one of {}", names.join(", "))));
        };
        if !seen.insert(name.as_str()) {
            return Err((path(), "set once, with dashes or with underscores".to_owned()));
        }
        let number = value.as_integer().and_then(|number| u32::try_from(number).ok());
        codes = number.and_then(|number| codes.with(name, number)).ok_or_else(|| {
            let should_be = "a whole number from 1 to 2147483647, but not 200, which clients \
                take for success like 0";
            (path(), should_be.to_owned())
        })?;
    }
    Ok(codes)
}
