//! Scripts: one line is one thing that somebody does.

use super::net::{Net, REALM, Rule};
use crate::{Command, Input, MediaKind, Target, Transport};

impl Net {
    /// One line of a script.
    pub(super) fn act(&mut self, line: &str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["wait", seconds] => self.run_ms((seconds.parse::<f64>().unwrap() * 1_000.0) as u64),
            ["drop", count, what @ ..] => self.rule(count, what, 0),
            ["double", count, what @ ..] => self.rule(count, what, 2),
            ["cut", "tcp"] => self.cut_all(),
            // All its calls are lost, as by a restart without memory.
            [name, "forgets"] => {
                self.node(name).kept.clear();
                self.restart(name, 100);
            }
            [name, "doubts"] => self.act_on(name, |dialog| Command::Probe { dialog }),
            ["server", "restarts"] => self.restart("server", 100),
            ["server", "icmp", name] => {
                let destination = self.node(name).address;
                let server = self.index("server");
                self.input(server, Input::SendFailed { destination });
            }
            [name, "dies"] => self.node(name).is_dead = true,
            [name, "revives"] => self.node(name).is_dead = false,
            [name, "registers", user, rest @ ..] => {
                let expires_s = rest
                    .iter()
                    .find_map(|word| word.parse().ok())
                    .unwrap_or(3_600);
                let password = if rest.contains(&"wrongly") {
                    "guess"
                } else {
                    "secret"
                };
                let via = self.node("server").address;
                let transport = transport(rest);
                self.command(
                    name,
                    Command::Register {
                        user: user.to_string(),
                        password: password.to_owned(),
                        via,
                        transport,
                        expires_s,
                    },
                );
            }
            [name, "calls", number, rest @ ..] => self.call(name, number, rest),
            [name, "rings", user] if *name == "server" => {
                let target = Target::Account(user.to_string());
                let bodies = vec![(MediaKind::Plain, b"offer".to_vec())];
                let dialog = self.new_dialog(name);
                let headers = vec![("X-Call-ID".to_owned(), "42".to_owned())];
                let from = ("111".to_owned(), "111".to_owned());
                self.command(
                    name,
                    Command::Invite {
                        dialog,
                        target,
                        from,
                        bodies,
                        headers,
                        login: None,
                    },
                );
            }
            [name, "dials", number, trunks @ ..] => {
                let trunks = trunks.iter().map(|trunk| trunk.parse().unwrap());
                let target = Target::Trunks {
                    trunks: trunks.collect(),
                    number: number.to_string(),
                };
                let dialog = self.new_dialog(name);
                self.command(
                    name,
                    Command::Invite {
                        dialog,
                        target,
                        from: (String::new(), "111".to_owned()),
                        bodies: vec![(MediaKind::Plain, b"offer".to_vec())],
                        headers: Vec::new(),
                        login: None,
                    },
                );
            }
            [name, "rings"] => self.act_on(name, |dialog| Command::Ringing { dialog }),
            [name, "answers"] => {
                let body = format!("answer of {name}").into_bytes();
                self.act_on(name, |dialog| Command::Answer { dialog, body });
            }
            [name, "rejects", status] => {
                let status = status.parse().unwrap();
                self.act_on(name, |dialog| Command::Reject {
                    dialog,
                    status,
                    retry_after_s: None,
                    reason: None,
                });
            }
            [name, "hangs", "up"] => self.act_on(name, |dialog| Command::Hangup {
                dialog,
                reason: None,
            }),
            [name, "presses", digit] => {
                let digit = digit.chars().next().unwrap();
                self.act_on(name, |dialog| Command::Digit {
                    dialog,
                    digit,
                    length_ms: 160,
                });
            }
            [name, "accepts", "change"] => self.act_on(name, |dialog| Command::AnswerReinvite {
                dialog,
                body: Some(b"changed".to_vec()),
            }),
            [name, "changes", body] => {
                let body = body.as_bytes().to_vec();
                self.act_on(name, |dialog| Command::Reinvite { dialog, body });
            }
            [one, "and", other, "change"] => {
                // In the same moment.
                self.act(&format!("{one} changes {one}"));
                self.act(&format!("{other} changes {other}"));
            }
            [name, "progresses", rest @ ..] => {
                let body = rest.first().map(|body| body.as_bytes().to_vec());
                self.act_on(name, |dialog| Command::Progress { dialog, body });
            }
            // Its oldest call instead of its newest.
            [name, "first", rest @ ..] => {
                let node = self.node(name);
                node.dialogs.rotate_left(1);
                self.act(&format!("{name} {}", rest.join(" ")));
                self.node(name).dialogs.rotate_right(1);
            }
            [name, "wants", number, rest @ ..] => {
                // "phone wants 102": blind; "phone wants 102 attended": its first call for its second.
                let dialogs = self.node(name).dialogs.clone();
                let (dialog, replaces) = match rest {
                    ["attended"] => (dialogs[dialogs.len() - 2], dialogs.last().copied()),
                    _ => (*dialogs.last().unwrap(), None),
                };
                let uri = format!("sip:{number}@{REALM}");
                self.command(
                    name,
                    Command::Refer {
                        dialog,
                        uri,
                        replaces,
                    },
                );
            }
            [name, "refers", status] => {
                let status = status.parse().unwrap();
                self.act_on(name, |dialog| Command::AnswerRefer { dialog, status });
            }
            [name, "notifies", status] => {
                let status = status.parse().unwrap();
                self.act_on(name, |dialog| Command::NotifyRefer { dialog, status });
            }
            [name, "refuses", "change"] => self.act_on(name, |dialog| Command::AnswerReinvite {
                dialog,
                body: None,
            }),
            _ => panic!("no such line: {line}"),
        }
    }

    fn call(&mut self, name: &str, number: &str, rest: &[&str]) {
        let via = self.node("server").address;
        let transport = transport(rest);
        let user = rest
            .iter()
            .find(|word| !Transport::ALL.iter().any(|known| known.name() == **word))
            .copied()
            .unwrap_or("0987654321");
        let login = user
            .starts_with("tv")
            .then(|| (user.to_owned(), "secret".to_owned()));
        let target = Target::Uri {
            uri: format!("sip:{number}@{REALM}"),
            via,
            transport,
        };
        let dialog = self.new_dialog(name);
        let from = (String::new(), user.to_owned());
        self.command(
            name,
            Command::Invite {
                dialog,
                target,
                from,
                bodies: vec![(MediaKind::Plain, b"offer".to_vec())],
                headers: Vec::new(),
                login,
            },
        );
    }

    fn new_dialog(&mut self, name: &str) -> u64 {
        let node = self.node(name);
        let dialog = node.next_dialog;
        node.next_dialog += 2;
        node.dialogs.push(dialog);
        dialog
    }

    fn act_on(&mut self, name: &str, command: impl FnOnce(u64) -> Command) {
        let dialog = *self
            .node(name)
            .dialogs
            .last()
            .unwrap_or_else(|| panic!("{name} has no call"));
        self.command(name, command(dialog));
    }

    fn rule(&mut self, count: &str, what: &[&str], copies: usize) {
        self.rules.push(Rule {
            what: what.join(" "),
            left: count.parse().unwrap(),
            copies,
        });
    }
}

/// Runs a script line by line with 100 ms between and returns the ladder.
pub(super) fn ladder(script: &str) -> String {
    let mut net = Net::new();
    run(&mut net, script);
    let log = std::mem::take(&mut net.log);
    net.settle();
    log
}

pub(super) fn run(net: &mut Net, script: &str) {
    for line in script
        .split(';')
        .map(str::trim)
        .filter(|line| !line.is_empty())
    {
        net.act(line);
        net.run_ms(100);
    }
}

/// UDP unless a word says otherwise.
fn transport(words: &[&str]) -> Transport {
    let named = |known: &Transport| words.contains(&known.name());
    Transport::ALL
        .into_iter()
        .find(named)
        .unwrap_or(Transport::Udp)
}
