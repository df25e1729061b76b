//! Medians of several runs, as a table.

use super::measure::Usage;
use crate::output;

/// What a row counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Unit {
    /// Bytes moved.
    Bytes(u64),
    /// Files moved.
    Files(u64),
}

impl Unit {
    fn heading(self) -> &'static str {
        match self {
            Unit::Bytes(_) => "MB/s",
            Unit::Files(_) => "files/s",
        }
    }

    #[allow(clippy::cast_precision_loss, reason = "sizes of a benchmark are far below 2^52")]
    fn per_second(self, wall: f64) -> f64 {
        match self {
            Unit::Bytes(bytes) => bytes as f64 / 1e6 / wall,
            Unit::Files(files) => files as f64 / wall,
        }
    }

    /// CPU seconds for 1 GiB, or for 1,000 files.
    #[allow(clippy::cast_precision_loss, reason = "sizes of a benchmark are far below 2^52")]
    fn per_unit(self, seconds: f64) -> f64 {
        match self {
            Unit::Bytes(bytes) => seconds / (bytes as f64 / f64::from(1 << 30)),
            Unit::Files(files) => seconds / (files as f64 / 1e3),
        }
    }

    fn cpu_heading(self) -> &'static str {
        match self {
            Unit::Bytes(_) => "CPU s/GiB",
            Unit::Files(_) => "CPU s/1000",
        }
    }
}

/// The runs of one tool.
#[derive(Debug)]
pub(super) struct Row {
    /// Name of the tool, as the table shows it.
    pub(super) tool: String,
    /// One for each round.
    pub(super) runs: Vec<Usage>,
}

/// Prints one kind of work: the tools in the order given, the medians of their runs.
pub(super) fn print(title: &str, unit: Unit, rows: &[Row]) {
    output::line(format_args!("\n{title}"));
    output::line(format_args!(
        "  {:<38} {:>9} {:>17} {:>10} {:>13} {:>9}",
        "",
        unit.heading(),
        "slowest-fastest",
        unit.cpu_heading(),
        "user + system",
        "peak MiB"
    ));
    for row in rows {
        output::line(line(unit, row));
    }
}

fn line(unit: Unit, row: &Row) -> String {
    let of = |figure: fn(&Usage) -> f64| median(row.runs.iter().map(figure).collect());
    let (user, system) = (unit.per_unit(of(|u| u.user)), unit.per_unit(of(|u| u.system)));
    let walls = || row.runs.iter().map(|run| run.wall);
    let slowest = unit.per_second(walls().fold(0.0, f64::max));
    let fastest = unit.per_second(walls().fold(f64::INFINITY, f64::min));
    format!(
        "  {:<38} {:>9.0} {:>17} {:>10.2} {:>13} {:>9.0}",
        row.tool,
        unit.per_second(of(|u| u.wall)),
        format!("{slowest:.0}-{fastest:.0}"),
        unit.per_unit(of(|u| u.user + u.system)),
        format!("{user:.2} + {system:.2}"),
        of(|u| u.peak_mib),
    )
}

/// The middle one; of an even number, the mean of the two in the middle.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        length if length % 2 == 1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        assert!((median(vec![9.0, 1.0, 2.0]) - 2.0).abs() < 1e-9);
        assert!((median(vec![4.0, 1.0, 2.0, 9.0]) - 3.0).abs() < 1e-9);
    }

    #[test]
    fn figures_are_for_one_gib_and_a_thousand_files() {
        let half = Unit::Bytes(1 << 29);
        assert!((half.per_unit(1.0) - 2.0).abs() < 1e-9);
        assert!((Unit::Files(2_000).per_unit(1.0) - 0.5).abs() < 1e-9);
        assert!((Unit::Files(2_000).per_second(4.0) - 500.0).abs() < 1e-9);
    }
}
