//! The language in which the program talks to the person at the keyboard.

/// Vietnamese where the environment asks for it, else English.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Tongue {
    /// English.
    #[default]
    English,
    /// Tiếng Việt.
    Vietnamese,
}

impl Tongue {
    /// From the locale variables, strongest first (`LC_ALL`, `LC_MESSAGES`, `LANG`).
    pub(crate) fn of_environment(variable: impl Fn(&str) -> Option<String>) -> Self {
        let locale = ["LC_ALL", "LC_MESSAGES", "LANG"]
            .iter()
            .find_map(|name| variable(name).filter(|value| !value.is_empty()))
            .unwrap_or_default();
        if locale.starts_with("vi") {
            Self::Vietnamese
        } else {
            Self::English
        }
    }

    /// The sentence in this language.
    pub(crate) fn pick<'a>(self, vietnamese: &'a str, english: &'a str) -> &'a str {
        match self {
            Self::English => english,
            Self::Vietnamese => vietnamese,
        }
    }
}
