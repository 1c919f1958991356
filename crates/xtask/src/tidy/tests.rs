//! The repository as it is, held against every rule; and what the rules' own tests share.

use super::repository::{Repository, Text, code_only, words_of};

#[test]
fn tidy() {
    let findings = super::findings(&crate::run::repository()).unwrap();
    assert!(findings.is_empty(), "\n{}", findings.join("\n"));
}

#[test]
fn code_is_told_from_comments_and_strings() {
    let source = "let a = 1; // sip\n/* sip\nsip */ let b = \"sip \\\" sip\"; let c = '\"'; let d = 'x';\nfn e<'a>() {}";
    let code = code_only(source).join("\n");
    assert!(!code.contains("sip"), "{code}");
    for kept in ["let a = 1;", "let b =", "let c =", "let d =", "fn e<a>()"] {
        assert!(code.contains(kept), "{kept} is not in {code}");
    }
    assert_eq!(code.lines().count(), source.lines().count());
}

#[test]
fn identifiers_fall_apart_into_words() {
    assert_eq!(words_of("QueueEntry2"), ["queue", "entry2"]);
    assert_eq!(words_of("_send_invite"), ["send", "invite"]);
}

/// A repository of these texts, with their folders.
pub(super) fn repository(texts: &[(&str, &str)]) -> Repository {
    let mut made = Repository::default();
    for (path, content) in texts {
        let mut folder = *path;
        made.paths.push(folder.to_owned());
        while let Some((parent, _)) = folder.rsplit_once('/') {
            folder = parent;
            made.paths.push(folder.to_owned());
        }
        made.texts.push(Text {
            path: (*path).to_owned(),
            content: (*content).to_owned(),
        });
    }
    made
}
