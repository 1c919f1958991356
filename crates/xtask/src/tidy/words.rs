//! Core speaks of callers, queues and counsellors; the words of the wire do not belong to it.

use super::repository::{Repository, code_only, identifiers, words_of};

const FORBIDDEN: [&str; 6] = ["codec", "header", "invite", "rtp", "sdp", "sip"];

pub(crate) fn findings(repository: &Repository) -> Vec<String> {
    let mut findings = Vec::new();
    for text in repository.sources_of("hotline-core") {
        for (index, line) in code_only(&text.content).iter().enumerate() {
            for identifier in identifiers(line) {
                let words = words_of(identifier);
                if let Some(word) = words.iter().find(|word| FORBIDDEN.contains(&word.as_str())) {
                    findings.push(format!(
                        "{}:{}: `{identifier}` brings the word \"{word}\" into core",
                        text.path,
                        index + 1
                    ));
                }
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::tests::repository;
    use super::*;

    #[test]
    fn a_word_of_the_wire_is_found_in_names_only() {
        let sample = "// SIP is fine in a comment\nfn send_invite(text: &str) { log(\"header\"); SipHeader }\n";
        let found = findings(&repository(&[("crates/hotline-core/src/a.rs", sample)]));
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].contains("`send_invite`"));
        assert!(found[1].contains("`SipHeader`"));
    }

    #[test]
    fn elsewhere_the_words_are_at_home() {
        let found = findings(&repository(&[(
            "crates/hotline-sip/src/a.rs",
            "fn invite() {}",
        )]));
        assert_eq!(found, [""; 0]);
    }
}
