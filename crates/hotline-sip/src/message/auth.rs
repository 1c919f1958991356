//! `Digest name="value", ...` of Authorization and WWW-Authenticate (RFC 7616 §3.3, §3.4).

use super::lex;

/// Scheme and parameters of a challenge or of credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Auth {
    /// Lower case, e.g. `digest`.
    pub scheme: String,
    params: Vec<(String, String)>,
}

impl Auth {
    /// None when it is not a scheme with parameters.
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        let (scheme, rest) = value.trim().split_once([' ', '\t'])?;
        let mut params = Vec::new();
        for part in lex::split(rest, ',')? {
            if part.is_empty() {
                continue;
            }
            let (name, value) = part.split_once('=')?;
            let value = value.trim();
            let value = if value.starts_with('"') {
                lex::unquote(value)?
            } else {
                value.to_owned()
            };
            if params.len() >= PARAMS_MAX {
                return None;
            }
            params.push((name.trim().to_ascii_lowercase(), value));
        }
        Some(Self {
            scheme: scheme.to_ascii_lowercase(),
            params,
        })
    }
    /// The value of a parameter; a parameter given twice is refused by returning None.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        let mut found = self.params.iter().filter(|(known, _)| known == name);
        let value = found.next()?;
        found.next().is_none().then_some(value.1.as_str())
    }
}

const PARAMS_MAX: usize = 32;
