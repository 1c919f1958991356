//! Puts the measured figures into docs/bench.md, and those with a floor into README.md, between two marks.

use std::fs;
use std::path::Path;

use super::Bench;
use super::figure::{Figure, Floor};
use super::machine::Machine;
use crate::failure::Failure;

const BEGIN: &str = "<!-- measured: written by the bench -->";
const END: &str = "<!-- end of measured -->";

pub(super) fn write(
    repository: &Path,
    figures: &[Figure],
    machine: &Machine,
    bench: &Bench,
) -> Result<(), Failure> {
    let how = how(bench);
    put(
        &repository.join("docs/bench.md"),
        &table(figures, machine, &how),
    )?;
    put(
        &repository.join("README.md"),
        &floors(figures, machine, &how),
    )
}

/// What a reader must know of the run.
fn how(bench: &Bench) -> String {
    let length = if bench.is_quick {
        "one short run of each (`--quick`)"
    } else {
        "medians of all runs"
    };
    let order = if bench.is_realtime {
        ", signalling and media before all other work (`--realtime`)"
    } else {
        ""
    };
    format!("{length}{order}")
}

fn put(path: &Path, table: &str) -> Result<(), Failure> {
    let page = fs::read_to_string(path).map_err(Failure::file("reading", path))?;
    let page = replaced(&page, table)
        .ok_or_else(|| Failure::content(path, "the two marks of the measured table are missing"))?;
    fs::write(path, page).map_err(Failure::file("writing", path))
}

fn replaced(page: &str, table: &str) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{table}{END}{after}"))
}

fn table(figures: &[Figure], machine: &Machine, how: &str) -> String {
    let mut text = format!(
        "\nMachine: {machine} at the beginning; the server has one core; {how}.\n\"Others\" is what other programs took of \
         a core meanwhile.\n\n| What | Measured | Floor | | Runs | Others |\n|---|---|---|---|---|---|\n"
    );
    for figure in figures {
        text.push_str(&format!(
            "| {} | {} | {} | {} | {} | {:.0} % |\n",
            figure.what,
            figure.amount(),
            figure.times() + &figure.bar(),
            figure.verdict(),
            figure.runs,
            figure.others_percent
        ));
    }
    text.push('\n');
    text
}

/// What has a floor, for readers in a hurry.
fn floors(figures: &[Figure], machine: &Machine, how: &str) -> String {
    let mut text = format!(
        "\nThe server on one core of {} x {}; {how}:\n\n| What | Measured | Floor |\n|---|---|---|\n",
        machine.processors, machine.processor
    );
    let with_floor = figures.iter().filter(|figure| figure.floor != Floor::None);
    for figure in with_floor {
        let short = if figure.is_short() { " **short**" } else { "" };
        text.push_str(&format!(
            "| {} | {}{short} | {} |\n",
            figure.what,
            figure.amount(),
            figure.bar()
        ));
    }
    text.push('\n');
    text + &costs(figures)
}

/// What calls cost beside the plain pair.
fn costs(figures: &[Figure]) -> String {
    let compared: Vec<&Figure> = figures
        .iter()
        .filter(|figure| figure.ratio.is_some())
        .collect();
    let (Some(first), Some(last)) = (compared.first(), compared.last()) else {
        return String::new();
    };
    let mut text = format!(
        "What the media thread and its recorder take, medians of {} runs while other programs took {:.0} % of a core; \
         trust the ratios more than the rest:\n\n| What | CPU | Beside the first |\n|---|---|---|\n",
        last.runs, first.others_percent
    );
    for figure in compared {
        text.push_str(&format!(
            "| {} | {} | {} |\n",
            figure.what,
            figure.amount(),
            figure.times()
        ));
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_figures_that_are_compared_stand_in_the_table_of_costs() {
        let mut opus = Figure::new("opus", 60.0, "% of a core", Floor::None);
        assert_eq!(costs(std::slice::from_ref(&opus)), "");
        opus.ratio = Some(7.5);
        let told = Figure::new("told", 1.0, "ms", Floor::None);
        let text = costs(&[told, opus]);
        assert!(
            text.ends_with("|---|---|---|\n| opus | 60 % of a core | 7.50 times |\n\n"),
            "{text}"
        );
    }

    #[test]
    fn only_the_part_between_the_marks_changes() {
        let page = format!("a\n{BEGIN}\nold\n{END}\nb\n");
        let new = replaced(&page, "new\n").unwrap();
        assert_eq!(new, format!("a\n{BEGIN}\nnew\n{END}\nb\n"));
        assert_eq!(replaced("no marks", "new"), None);
    }
}
