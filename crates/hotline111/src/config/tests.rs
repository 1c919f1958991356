//! Configuration: the shipped files, and a table of broken ones.

mod shipped;

use super::{Options, load};
use std::path::{Path, PathBuf};

/// The repository's folder.
fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Options under which the shipped configuration finds the repository's sounds.
fn options() -> Options {
    let sounds = repository().join("sounds");
    Options { overrides: vec![format!("server.sounds_dir={}", sounds.display())], ..Options::default() }
}
