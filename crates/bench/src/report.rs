//! The table for people and the JSON line for programs.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

/// The bound on a measured value.
#[derive(Clone, Copy)]
pub enum Bound {
    /// It is only reported.
    None,
    /// Not above.
    AtMost(f64),
    /// Not below.
    AtLeast(f64),
}

/// One measured value.
pub struct Measurement {
    /// Name in the JSON line.
    pub key: &'static str,
    /// Name in the table.
    pub what: &'static str,
    /// The value.
    pub value: f64,
    /// Its unit, as the table shows it.
    pub unit: &'static str,
    /// Its bound.
    pub bound: Bound,
}

impl Measurement {
    /// A value that is only reported.
    pub const fn info(
        key: &'static str,
        what: &'static str,
        value: f64,
        unit: &'static str,
    ) -> Self {
        Self { key, what, value, unit, bound: Bound::None }
    }

    /// The same value with a bound.
    pub const fn held_to(mut self, bound: Bound) -> Self {
        self.bound = bound;
        self
    }

    /// True if the bound is met.
    pub fn is_ok(&self) -> bool {
        match self.bound {
            Bound::None => true,
            Bound::AtMost(limit) => self.value <= limit,
            Bound::AtLeast(limit) => self.value >= limit,
        }
    }

    fn cells(&self) -> [String; 4] {
        let amount = |value: f64| format!("{} {}", digits(value), self.unit).trim().to_owned();
        let (bound, ok) = match self.bound {
            Bound::None => (String::new(), ""),
            Bound::AtMost(limit) => (format!("<= {}", amount(limit)), self.verdict()),
            Bound::AtLeast(limit) => (format!(">= {}", amount(limit)), self.verdict()),
        };
        [self.what.to_owned(), amount(self.value), bound, ok.to_owned()]
    }

    fn verdict(&self) -> &'static str {
        if self.is_ok() { "yes" } else { "NO" }
    }
}

/// Three significant digits are all that timings justify.
fn digits(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// The table in Markdown, to be pasted into a document.
pub fn table(measurements: &[Measurement]) -> String {
    let head = ["what", "measured", "bound", "ok"].map(str::to_owned);
    let rows: Vec<_> =
        std::iter::once(head).chain(measurements.iter().map(Measurement::cells)).collect();
    let widths: Vec<usize> =
        (0..4).map(|column| rows.iter().map(|row| row[column].len()).max().unwrap_or(0)).collect();
    let mut text = String::new();
    for (index, row) in rows.iter().enumerate() {
        for (cell, width) in row.iter().zip(&widths) {
            // Writing to a String cannot fail.
            let _ = write!(text, "| {cell:width$} ");
        }
        text.push_str("|\n");
        if index == 0 {
            widths.iter().for_each(|width| text.push_str(&format!("|{}", "-".repeat(width + 2))));
            text.push_str("|\n");
        }
    }
    text
}

/// The JSON line.
pub fn json_line(machine: &Value, measurements: &[Measurement]) -> String {
    let values: Map<String, Value> = measurements
        .iter()
        .map(|it| (it.key.to_owned(), json!((it.value * 1000.0).round() / 1000.0)))
        .collect();
    let missed: Vec<&str> = measurements.iter().filter(|it| !it.is_ok()).map(|it| it.key).collect();
    json!({ "event": "bench", "machine": machine, "values": values, "missed": missed }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missed_bound_is_reported_in_both_forms() {
        let good = Measurement::info("a", "good", 1.0, "ms").held_to(Bound::AtMost(2.0));
        let bad = Measurement::info("b", "bad", 1.0, "").held_to(Bound::AtLeast(2.0));
        let all = [good, bad];
        assert_eq!(
            table(&all).lines().map(str::trim_end).collect::<Vec<_>>(),
            [
                "| what | measured | bound      | ok  |",
                "|------|----------|------------|-----|",
                "| good | 1.00 ms  | <= 2.00 ms | yes |",
                "| bad  | 1.00     | >= 2.00    | NO  |",
            ]
        );
        let line: Value = serde_json::from_str(&json_line(&json!({}), &all)).unwrap();
        assert_eq!(line["missed"], json!(["b"]));
        assert_eq!(line["values"]["a"], json!(1.0));
    }
}
