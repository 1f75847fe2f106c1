//! What a process tells others of its callers, as bytes: their number is bounded, and a reader
//! passes over what it does not know.

use super::limit_name::LimitName;

/// The form of the bytes. A reader takes a report of another form for an empty one.
const FORM: u8 = 1;
/// Most callers of one limit in a report: those who used most since the last one.
pub(super) const MAX_REPORTED_CALLERS: usize = 256;

/// Most entries of a report that are read.
const MAX_ENTRIES: usize = MAX_REPORTED_CALLERS * LimitName::ALL.len();

const HEAD_BYTES: usize = 5;
const ENTRY_BYTES: usize = 25;

/// What was counted of a caller since it is remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) limit: LimitName,
    pub(super) caller: u128,
    pub(super) counted: u64,
}

/// All that a process tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Report {
    pub(super) entries: Vec<Entry>,
    /// A bit for each limit some of whose callers were left out.
    cut: u32,
}

impl Report {
    /// Appends the callers of one limit, those who used most first.
    pub(super) fn add(&mut self, limit: LimitName, mut entries: Vec<Entry>) {
        if entries.len() > MAX_REPORTED_CALLERS {
            entries.truncate(MAX_REPORTED_CALLERS);
            self.cut |= bit(limit);
        }
        self.entries.extend(entries);
    }

    /// True if some callers of a limit were left out.
    pub(super) fn is_cut(&self, limit: LimitName) -> bool {
        self.cut & bit(limit) != 0
    }

    /// As bytes; none if there is nothing to tell.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        if self.entries.is_empty() {
            return Vec::new();
        }
        let mut bytes = Vec::with_capacity(HEAD_BYTES + ENTRY_BYTES * self.entries.len());
        bytes.push(FORM);
        bytes.extend_from_slice(&self.cut.to_be_bytes());
        for entry in &self.entries {
            bytes.push(entry.limit as u8);
            bytes.extend_from_slice(&entry.caller.to_be_bytes());
            bytes.extend_from_slice(&entry.counted.to_be_bytes());
        }
        bytes
    }

    /// From bytes of this or another version.
    pub(super) fn parse(bytes: &[u8]) -> Self {
        let Some((head, rest)) = bytes.split_first_chunk::<HEAD_BYTES>() else {
            return Self::default();
        };
        let [FORM, cut @ ..] = *head else { return Self::default() };
        let entries = rest.as_chunks::<ENTRY_BYTES>().0.iter().take(MAX_ENTRIES);
        let entries = entries.filter_map(entry).collect();
        Self { entries, cut: u32::from_be_bytes(cut) }
    }
}

fn entry(bytes: &[u8; ENTRY_BYTES]) -> Option<Entry> {
    let (limit, rest) = bytes.split_first()?;
    let (caller, counted) = rest.split_first_chunk()?;
    Some(Entry {
        limit: LimitName::ALL.into_iter().find(|name| *name as u8 == *limit)?,
        caller: u128::from_be_bytes(*caller),
        counted: u64::from_be_bytes(*counted.first_chunk()?),
    })
}

const fn bit(limit: LimitName) -> u32 {
    1 << limit as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(limit: LimitName, count: usize) -> Vec<Entry> {
        let entry = |caller| Entry { limit, caller, counted: 7 };
        (0..count as u128).map(entry).collect()
    }

    #[test]
    fn a_report_is_read_as_it_was_written_and_has_a_largest_size() {
        let mut report = Report::default();
        assert_eq!(report.to_bytes(), b"");
        report.add(LimitName::VmTokens, entries(LimitName::VmTokens, 3));
        report.add(LimitName::VmEnvelopes, entries(LimitName::VmEnvelopes, 10_000));
        let read = Report::parse(&report.to_bytes());
        assert_eq!(read, report);
        assert!(read.is_cut(LimitName::VmEnvelopes) && !read.is_cut(LimitName::VmTokens));
        assert_eq!(read.entries.len(), 3 + MAX_REPORTED_CALLERS);
        assert_eq!(report.to_bytes().len(), HEAD_BYTES + ENTRY_BYTES * read.entries.len());
    }

    #[test]
    fn what_is_not_known_is_passed_over() {
        let mut report = Report::default();
        report.add(LimitName::VmTokens, entries(LimitName::VmTokens, 2));
        let mut bytes = report.to_bytes();
        assert_eq!(Report::parse(b""), Report::default());
        assert_eq!(Report::parse(&bytes[..40]).entries.len(), 1);
        let long = [&bytes[..HEAD_BYTES], &bytes[HEAD_BYTES..].repeat(MAX_ENTRIES)].concat();
        assert_eq!(Report::parse(&long).entries.len(), MAX_ENTRIES);
        bytes[HEAD_BYTES] = 250;
        assert_eq!(Report::parse(&bytes).entries.len(), 1);
        bytes[0] = FORM + 1;
        assert_eq!(Report::parse(&bytes), Report::default());
    }
}
