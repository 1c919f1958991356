//! Configuration: the shipped files, a table of broken ones, values, languages and their keys.

mod broken;
mod broken_flows;
mod floor;
mod languages;
mod precedence;
mod reach;
mod shipped;
mod trunks;
mod values;

use super::{Fault, Loaded, Options, Tongue, load};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// The repository's folder.
fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Options under which the shipped configuration finds the repository's sounds.
fn options() -> Options {
    let sounds = repository().join("sounds");
    Options {
        overrides: vec![format!("server.sounds_dir={}", sounds.display())],
        ..Options::default()
    }
}

/// A folder that goes with the value.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path =
            std::env::temp_dir().join(format!("hotline111-config-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.0.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The smallest configuration that is good; tests break one thing in it.
const MAIN: &str = "[sip]\nudp = [\"127.0.0.1:5060\"]\n";

/// Loads `main` with the shipped queues, and the files given.
fn load_files(main: &str, files: &[(&str, &str)], options: &Options) -> Result<Loaded, Vec<Fault>> {
    let (result, _) = load_in_folder(main, files, options);
    result
}

fn load_in_folder(
    main: &str,
    files: &[(&str, &str)],
    options: &Options,
) -> (Result<Loaded, Vec<Fault>>, Folder) {
    let folder = Folder::new();
    folder.write("hotline111.toml", main);
    folder.write(
        "queues.toml",
        &std::fs::read_to_string(repository().join("config/queues.toml")).unwrap(),
    );
    for (name, text) in files {
        folder.write(name, text);
    }
    let result = load(&folder.0.join("hotline111.toml"), options);
    (result, folder)
}

/// Every fault of a load, as `check` prints them, without the folder's name.
fn faults(main: &str, files: &[(&str, &str)]) -> String {
    faults_in(Tongue::English, main, files, &options())
}

fn faults_in(tongue: Tongue, main: &str, files: &[(&str, &str)], options: &Options) -> String {
    let (result, folder) = load_in_folder(main, files, options);
    let faults = match result {
        Ok(loaded) => loaded.warnings,
        Err(faults) => faults,
    };
    let loud = faults.iter().filter(|fault| {
        // The repository's sounds are placeholders; that is not what these tests are about.
        !matches!(
            fault.problem,
            super::Problem::CorePlaceholders { .. } | super::Problem::LanguagesClosed(_)
        )
    });
    let text: String = loud.map(|fault| fault.render(tongue)).collect();
    text.replace(&format!("{}/", folder.0.display()), "")
}
