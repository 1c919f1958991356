//! A measured figure, the floor below which no release is made, and their table.

use std::fmt;

/// The bar of a figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Floor {
    AtLeast(f64),
    AtMost(f64),
    /// Only told.
    None,
}

#[derive(Clone, Debug)]
pub(crate) struct Figure {
    pub(crate) what: String,
    pub(crate) value: f64,
    pub(crate) unit: &'static str,
    pub(crate) floor: Floor,
    /// How many times the first figure of its kind in the same run.
    pub(crate) ratio: Option<f64>,
    /// Median of so many runs.
    pub(crate) runs: usize,
    /// What other programs took of a core meanwhile, in the median.
    pub(crate) others_percent: f64,
}

impl Figure {
    pub(crate) fn new(what: &str, value: f64, unit: &'static str, floor: Floor) -> Self {
        Self {
            what: what.to_owned(),
            value,
            unit,
            floor,
            ratio: None,
            runs: 1,
            others_percent: 0.0,
        }
    }

    /// Milliseconds, from microseconds.
    pub(crate) fn millis(what: &str, micros: u64, floor: Floor) -> Self {
        Self::new(what, micros as f64 / 1_000.0, "ms", floor)
    }

    pub(crate) fn is_short(&self) -> bool {
        match self.floor {
            Floor::AtLeast(bar) => self.value < bar,
            Floor::AtMost(bar) => self.value > bar,
            Floor::None => false,
        }
    }

    pub(crate) fn bar(&self) -> String {
        match self.floor {
            Floor::AtLeast(bar) => format!(">= {}", number(bar)),
            Floor::AtMost(bar) => format!("<= {}", number(bar)),
            Floor::None => String::new(),
        }
    }

    pub(crate) fn verdict(&self) -> &'static str {
        match (self.floor, self.is_short()) {
            (Floor::None, _) => "",
            (Floor::AtLeast(_) | Floor::AtMost(_), true) => "SHORT",
            (Floor::AtLeast(_) | Floor::AtMost(_), false) => "holds",
        }
    }

    /// Value and unit.
    pub(crate) fn amount(&self) -> String {
        format!("{} {}", number(self.value), self.unit)
            .trim_end()
            .to_owned()
    }

    /// "2.40 times", where it is compared.
    pub(crate) fn times(&self) -> String {
        self.ratio
            .map_or_else(String::new, |ratio| format!("{} times", number(ratio)))
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:<62} {:>12}", self.what, self.amount())?;
        if self.ratio.is_some() {
            write!(out, ", {}", self.times())?;
        }
        if self.is_short() {
            write!(out, "   SHORT of {}", self.bar())?;
        }
        Ok(())
    }
}

/// Three digits that say something.
fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 || size == size.trunc() => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

/// The median of each figure over the runs, which all have the same figures in the same order.
pub(crate) fn medians(runs: Vec<(f64, Vec<Figure>)>) -> Vec<Figure> {
    let others_percent = median(runs.iter().map(|(others, _)| *others).collect());
    let Some((_, first)) = runs.first() else {
        return Vec::new();
    };
    let figures = first.iter().map(|figure| {
        let of_all = runs.iter().flat_map(|(_, found)| found);
        let same: Vec<&Figure> = of_all.filter(|other| other.what == figure.what).collect();
        Figure {
            runs: same.len(),
            value: median(same.iter().map(|other| other.value).collect()),
            ratio: figure
                .ratio
                .map(|_| median(same.iter().filter_map(|other| other.ratio).collect())),
            others_percent,
            ..figure.clone()
        }
    });
    figures.collect()
}

/// 0 of nothing.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// For people at a terminal.
pub(crate) fn table(figures: &[Figure]) -> String {
    let mut text = format!(
        "{:<62} {:>12} {:>10} {:>6} {:>5} {:>7}\n",
        "measured", "", "floor", "", "runs", "others"
    );
    for figure in figures {
        text.push_str(&format!(
            "{:<62} {:>12} {:>10} {:>6} {:>5} {:>5.0} %\n",
            figure.what,
            figure.amount(),
            figure.times() + &figure.bar(),
            figure.verdict(),
            figure.runs,
            figure.others_percent
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_run_counts() {
        let run = |value| {
            (
                value,
                vec![Figure::new("x", value, "ms", Floor::AtMost(5.0))],
            )
        };
        let found = medians(vec![run(9.0), run(1.0), run(4.0)]);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].value, found[0].runs), (4.0, 3));
        assert_eq!(found[0].verdict(), "holds");
    }

    #[test]
    fn a_ratio_is_that_of_its_own_run() {
        let run = |value, plain: f64| {
            let mut figure = Figure::new("x", value, "%", Floor::None);
            figure.ratio = Some(value / plain);
            (0.0, vec![figure])
        };
        // A machine that was busy during the last run.
        let found = medians(vec![run(20.0, 10.0), run(21.0, 10.0), run(80.0, 40.0)]);
        assert_eq!((found[0].value, found[0].ratio), (21.0, Some(2.0)));
        assert_eq!(found[0].times(), "2 times");
    }

    #[test]
    fn what_misses_its_floor_says_so() {
        let slow = Figure::millis("slow", 7_250, Floor::AtMost(5.0));
        assert!(
            slow.to_string().ends_with("7.25 ms   SHORT of <= 5"),
            "{slow}"
        );
        let few = Figure::new("few", 900.0, "a second", Floor::AtLeast(1_000.0));
        assert_eq!((few.verdict(), few.bar().as_str()), ("SHORT", ">= 1000"));
        assert_eq!(Figure::new("told", 3.0, "", Floor::None).verdict(), "");
    }

    #[test]
    fn nothing_measured_is_nothing_said() {
        assert!(medians(Vec::new()).is_empty());
        assert!(medians(vec![(3.0, Vec::new())]).is_empty());
    }
}
