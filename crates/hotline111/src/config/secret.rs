//! Secrets: never in the text of the configuration, always `{ file = "…" }` or `{ env = "…" }`.

use super::problem::{Expected, Problem};
use super::section::Section;
use super::value::Scalar;
use std::fmt;

/// A secret. It prints itself masked.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(String);

impl Secret {
    /// The secret itself.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"***\"")
    }
}

/// Reads a secret that may be left out. The end of a file's last line does not belong to it.
pub(crate) fn read(section: &mut Section<'_>, key: &str) -> Option<Secret> {
    let item = &section.entry(key)?.item;
    let mut source = section.of_item(key, item, Expected::Secret)?;
    let file = source.optional::<String>("file");
    let variable = source.optional::<String>("env");
    let notes = source.notes();
    source.finish();
    let (what, read) = match (file, variable) {
        (Some(file), None) => (
            file.show(),
            std::fs::read_to_string(notes.folder().join(&file)).map_err(|error| error.to_string()),
        ),
        (None, Some(variable)) => (
            variable.clone(),
            std::env::var(&variable).map_err(|error| error.to_string()),
        ),
        (Some(_), Some(_)) | (None, None) => {
            let problem = Problem::OneOf {
                section: format!("`{key}`"),
                keys: "`file`, `env`".to_owned(),
            };
            notes.error(Some(item.place), problem);
            return None;
        }
    };
    match read {
        Ok(text) => Some(Secret(text.trim_end_matches(['\r', '\n']).to_owned())),
        Err(why) => {
            notes.error(Some(item.place), Problem::SecretUnreadable { what, why });
            None
        }
    }
}
