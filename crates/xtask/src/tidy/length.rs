//! A file is read in one sitting: the list of longer ones may only shrink, and none of them lies in core.

use super::repository::Repository;

const LINES_MAX: usize = 800;

/// Path and the length that it may not exceed. Shorten the entry with the file; never add one.
const LONGER: [(&str, usize); 0] = [];

pub(crate) fn findings(repository: &Repository) -> Vec<String> {
    check(repository, &LONGER)
}

fn check(repository: &Repository, longer: &[(&str, usize)]) -> Vec<String> {
    let mut findings = Vec::new();
    for text in repository.sources() {
        let lines = text.content.lines().count();
        let listed = longer.iter().find(|(path, _)| *path == text.path);
        let lines_max = listed.map_or(LINES_MAX, |(_, lines_max)| *lines_max);
        if lines > lines_max {
            findings.push(format!("{}: {lines} lines, {lines_max} allowed", text.path));
        }
        if listed.is_some() && lines < lines_max {
            findings.push(format!(
                "{}: only {lines} lines now, shorten its entry",
                text.path
            ));
        }
        if listed.is_some() && text.path.starts_with("crates/hotline-core/") {
            findings.push(format!("{}: core has no long files", text.path));
        }
    }
    for (path, _) in longer {
        if repository.text(path).is_none() {
            findings.push(format!("{path}: gone, take it off the list"));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::tests::repository;
    use super::*;

    #[test]
    fn a_long_file_is_found_and_the_list_shrinks() {
        let long = "//\n".repeat(LINES_MAX + 1);
        let sample = repository(&[("crates/x/src/a.rs", &long)]);
        assert_eq!(
            check(&sample, &[]),
            ["crates/x/src/a.rs: 801 lines, 800 allowed"]
        );
        assert_eq!(check(&sample, &[("crates/x/src/a.rs", 801)]), [""; 0]);
        assert_eq!(check(&sample, &[("crates/x/src/a.rs", 900)]).len(), 1);
        assert_eq!(
            check(&sample, &[("crates/x/src/a.rs", 801), ("gone.rs", 900)]).len(),
            1
        );
    }

    #[test]
    fn core_is_never_on_the_list() {
        let long = "//\n".repeat(900);
        let sample = repository(&[("crates/hotline-core/src/a.rs", &long)]);
        assert_eq!(
            check(&sample, &[("crates/hotline-core/src/a.rs", 900)]).len(),
            1
        );
    }
}
