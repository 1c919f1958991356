//! What Debian must give before the tests can run: installed when we may, named exactly when we may not.

use std::process::Command;

use crate::failure::Failure;

/// One package a line; what stands behind # is for people.
const LIST: &str = include_str!("../apt-packages.txt");

/// Everything that the tests need.
pub(crate) fn ensure_all() -> Result<(), Failure> {
    ensure(&packages(LIST).collect::<Vec<_>>())
}

/// A part of the list, for a command that needs no more.
pub(crate) fn ensure(names: &[&str]) -> Result<(), Failure> {
    let missing = missing(names, is_installed)?;
    if missing.is_empty() {
        return Ok(());
    }
    let by_hand = format!(
        "apt-get update && apt-get install --yes --no-install-recommends {}",
        missing.join(" ")
    );
    if !rustix::process::geteuid().is_root() {
        return Err(Failure::Missing(format!(
            "packages are missing; as root run: {by_hand}"
        )));
    }
    println!("installing from Debian: {}", missing.join(" "));
    apt_get(&["update", "--quiet"])?;
    let mut arguments = vec!["install", "--yes", "--quiet", "--no-install-recommends"];
    arguments.extend(&missing);
    apt_get(&arguments)
}

/// Those that `is_installed` denies.
fn missing<'a>(
    names: &[&'a str],
    is_installed: impl Fn(&str) -> Result<bool, Failure>,
) -> Result<Vec<&'a str>, Failure> {
    let mut missing = Vec::new();
    for name in names {
        if !is_installed(name)? {
            missing.push(*name);
        }
    }
    Ok(missing)
}

fn packages(list: &str) -> impl Iterator<Item = &str> {
    list.lines()
        .filter_map(|line| line.split('#').next())
        .map(str::trim)
        .filter(|name| !name.is_empty())
}

fn is_installed(name: &str) -> Result<bool, Failure> {
    // Node often comes from elsewhere; Debian's would take its place.
    if is_program(name) {
        return Ok(true);
    }
    let output = Command::new("dpkg-query")
        .args(["--show", "--showformat=${db:Status-Abbrev}", name])
        .output()
        .map_err(|error| {
            let names: Vec<&str> = packages(LIST).collect();
            Failure::Missing(format!(
                "dpkg-query: {error}. The tests run on Debian; they need the programs of: {}",
                names.join(" ")
            ))
        })?;
    Ok(output.stdout.starts_with(b"ii"))
}

fn is_program(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(name).is_file())
}

fn apt_get(arguments: &[&str]) -> Result<(), Failure> {
    let failed = |message: String| Failure::Tool {
        program: format!("apt-get {}", arguments.join(" ")),
        message,
    };
    let status = Command::new("apt-get")
        .env("DEBIAN_FRONTEND", "noninteractive")
        .args(arguments)
        .status()
        .map_err(|error| failed(error.to_string()))?;
    if status.success() {
        Ok(())
    } else {
        Err(failed(status.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_missing_is_named() {
        let names: Vec<&str> = packages("# tools\nsox  # levels\n\nbaresip\n").collect();
        let named = missing(&names, |name| Ok(name == "sox")).unwrap();
        assert_eq!(named, ["baresip"]);
    }

    #[test]
    fn a_program_that_is_there_is_no_package_to_install() {
        assert!(is_program("sh"));
        assert!(!is_program("no-such-program"));
    }

    #[test]
    fn the_committed_list_is_sorted_and_says_why() {
        let names: Vec<&str> = packages(LIST).collect();
        assert!(names.is_sorted(), "{names:?}");
        for line in LIST
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
        {
            assert!(line.contains('#'), "{line}: why?");
        }
    }
}
