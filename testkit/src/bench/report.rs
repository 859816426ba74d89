//! Samples, their medians and spreads, and the Markdown that shows them.

use std::fmt;

use super::machine;

/// Values of one quantity, one per run.
#[derive(Clone, Debug, Default)]
pub struct Samples(Vec<f64>);

impl Samples {
    /// Adds the value of a run.
    pub fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    /// The middle value, or the mean of the two in the middle; 0 without any.
    pub fn median(&self) -> f64 {
        let sorted = self.sorted();
        let middle = sorted.len() / 2;
        let at = |index: usize| sorted.get(index).copied().unwrap_or_default();
        if sorted.len().is_multiple_of(2) {
            (at(middle.saturating_sub(1)) + at(middle)) / 2.0
        } else {
            at(middle)
        }
    }

    /// The largest value; 0 without any.
    pub fn max(&self) -> f64 {
        self.sorted().last().copied().unwrap_or_default()
    }

    /// Run by run, these divided by those.
    pub fn ratios(&self, baseline: &Self) -> Self {
        Self(self.0.iter().zip(&baseline.0).map(|(a, b)| a / b).collect())
    }

    /// `median (smallest–largest)` with so many decimals.
    pub fn show(&self, decimals: usize) -> String {
        let sorted = self.sorted();
        let (least, most) = (sorted.first(), sorted.last());
        let text = |value: f64| grouped(value, decimals);
        match (least, most) {
            (Some(least), Some(most)) => {
                format!("{} ({}–{})", text(self.median()), text(*least), text(*most))
            }
            _ => "–".to_owned(),
        }
    }

    fn sorted(&self) -> Vec<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted
    }
}

/// The value at a share of a sorted list, 0 to 1; 0 of an empty one.
pub fn quantile(sorted: &[f64], share: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    let at = (share * last as f64).round() as usize;
    sorted.get(at).copied().unwrap_or_default()
}

/// A number with commas between thousands.
pub fn grouped(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    let (whole, rest) = text
        .split_once('.')
        .map_or((text.as_str(), None), |(a, b)| (a, Some(b)));
    let mut result = String::new();
    let count = whole.chars().count();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (count - at) % 3 == 0 && !result.ends_with('-') {
            result.push(',');
        }
        result.push(digit);
    }
    if let Some(rest) = rest {
        result.push('.');
        result.push_str(rest);
    }
    result
}

/// One benchmark's part of the document.
#[derive(Debug)]
pub struct Section {
    /// Name on the command line.
    pub name: &'static str,
    /// Heading.
    title: &'static str,
    /// What is measured, and how.
    about: &'static str,
    columns: Vec<&'static str>,
    rows: Vec<Vec<String>>,
    notes: Vec<String>,
    circumstances: machine::Circumstances,
}

impl Section {
    /// An empty table; call it before the measurement, since it notes the load at the start.
    pub fn new(
        name: &'static str,
        title: &'static str,
        about: &'static str,
        columns: &[&'static str],
    ) -> Self {
        Self {
            name,
            title,
            about,
            columns: columns.to_vec(),
            rows: Vec::new(),
            notes: Vec::new(),
            circumstances: machine::Circumstances::now(),
        }
    }

    /// Adds a line of the table.
    pub fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// Adds a remark below the table.
    pub fn note(&mut self, text: impl Into<String>) {
        self.notes.push(text.into());
    }

    /// Notes the load at the end.
    pub fn finish(mut self) -> Self {
        self.circumstances.end();
        self
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "## {}\n\n{}\n", self.title, self.about)?;
        writeln!(f, "| {} |", self.columns.join(" | "))?;
        writeln!(f, "|{}", "---|".repeat(self.columns.len()))?;
        for row in &self.rows {
            writeln!(f, "| {} |", row.join(" | "))?;
        }
        writeln!(f)?;
        for note in &self.notes {
            writeln!(f, "- {note}")?;
        }
        writeln!(f, "- `./bench {}`: {}", self.name, self.circumstances)
    }
}

#[cfg(test)]
mod tests {
    use super::{Samples, grouped, quantile};

    #[test]
    fn a_quantity_shows_its_median_and_spread() {
        let samples = Samples(vec![3_000.0, 1_000.0, 2_000.0]);
        assert_eq!(samples.show(0), "2,000 (1,000–3,000)");
        assert_eq!(Samples(vec![4.0, 1.0]).show(1), "2.5 (1.0–4.0)");
        assert_eq!(Samples::default().median(), 0.0);
    }

    #[test]
    fn quantiles_are_values_that_occurred() {
        let sorted: Vec<f64> = (0..100).map(f64::from).collect();
        assert_eq!((quantile(&sorted, 0.99), quantile(&sorted, 1.0)), (98.0, 99.0));
    }

    #[test]
    fn thousands_are_separated() {
        let shown = [grouped(1_234_567.0, 0), grouped(12.345, 2), grouped(999.0, 0)];
        assert_eq!(shown, ["1,234,567", "12.35", "999"].map(str::to_owned));
    }
}
