//! Puts the measured figures into docs/bench.md, between two marks.

use std::fs;
use std::path::Path;

use super::figure::Figure;
use super::machine::Machine;
use crate::failure::Failure;

const BEGIN: &str = "<!-- measured: written by the bench -->";
const END: &str = "<!-- end of measured -->";

pub(super) fn write(
    repository: &Path,
    figures: &[Figure],
    machine: &Machine,
) -> Result<(), Failure> {
    let path = repository.join("docs/bench.md");
    let page = fs::read_to_string(&path).map_err(Failure::file("reading", &path))?;
    let page = replaced(&page, &table(figures, machine)).ok_or_else(|| {
        Failure::content(&path, "the two marks of the measured table are missing")
    })?;
    fs::write(&path, page).map_err(Failure::file("writing", &path))
}

fn replaced(page: &str, table: &str) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{table}{END}{after}"))
}

fn table(figures: &[Figure], machine: &Machine) -> String {
    let mut text = format!(
        "\nMachine: {machine} at the beginning. The server has one core. \"Others\" is what other programs took of a \
         core meanwhile.\n\n| What | Measured | Floor | | Runs | Others |\n|---|---|---|---|---|---|\n"
    );
    for figure in figures {
        text.push_str(&format!(
            "| {} | {} | {} | {} | {} | {:.0} % |\n",
            figure.what,
            figure.amount(),
            figure.bar(),
            figure.verdict(),
            figure.runs,
            figure.others_percent
        ));
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_part_between_the_marks_changes() {
        let page = format!("a\n{BEGIN}\nold\n{END}\nb\n");
        let new = replaced(&page, "new\n").unwrap();
        assert_eq!(new, format!("a\n{BEGIN}\nnew\n{END}\nb\n"));
        assert_eq!(replaced("no marks", "new"), None);
    }
}
