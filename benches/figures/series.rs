//! Measurements of one thing, and how they are printed.

use std::time::Duration;

/// Repeated measurements of one thing, in one unit.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    unit: &'static str,
    values: Vec<f64>,
}

impl Series {
    pub(crate) fn new(unit: &'static str) -> Self {
        Self {
            unit,
            values: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, value: f64) {
        self.values.push(value);
        self.values.sort_by(f64::total_cmp);
    }

    pub(crate) fn add_time(&mut self, time: Duration) {
        self.add(match self.unit {
            "ms" => time.as_secs_f64() * 1e3,
            _ => time.as_secs_f64(),
        });
    }

    /// The median; not a number when nothing was measured.
    pub(crate) fn median(&self) -> f64 {
        let Self { values, .. } = self;
        match values.len() {
            0 => f64::NAN,
            n if n % 2 == 1 => values[n / 2],
            n => f64::midpoint(values[n / 2 - 1], values[n / 2]),
        }
    }

    pub(crate) fn max(&self) -> f64 {
        self.values.last().copied().unwrap_or(f64::NAN)
    }

    fn min(&self) -> f64 {
        self.values.first().copied().unwrap_or(f64::NAN)
    }
}

/// `min / median / max unit`, or the one value when all are equal.
impl std::fmt::Display for Series {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [min, median, max] = [self.min(), self.median(), self.max()].map(number);
        if min == max {
            f.write_str(&median)?;
        } else {
            write!(f, "{min} / {median} / {max}")?;
        }
        if self.unit.is_empty() {
            return Ok(());
        }
        write!(f, " {}", self.unit)
    }
}

/// Three significant digits, and no exponent.
fn number(value: f64) -> String {
    if value.fract() == 0.0 || value.abs() >= 100.0 {
        grouped(value)
    } else if value.abs() >= 10.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    }
}

/// A whole number with a comma before every three digits.
fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A table in Markdown, printed row by row as the figures come in.
pub(crate) struct Table {
    columns: usize,
}

impl Table {
    pub(crate) fn new(title: &str, columns: &[&str]) -> Self {
        println!("\n### {title}\n");
        let table = Self {
            columns: columns.len(),
        };
        table.row(columns);
        table.row(&vec!["---"; columns.len()]);
        table
    }

    pub(crate) fn row<T: AsRef<str>>(&self, cells: &[T]) {
        assert_eq!(cells.len(), self.columns);
        let cells: Vec<&str> = cells.iter().map(AsRef::as_ref).collect();
        println!("| {} |", cells.join(" | "));
    }
}

/// Whether a target is met, in words that fit a cell.
pub(crate) fn verdict(met: bool) -> &'static str {
    if met { "yes" } else { "**no**" }
}
