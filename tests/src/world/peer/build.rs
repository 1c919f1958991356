//! Builds and starts the requests and answers of a scripted phone.

use super::{Client, ENDED_MAX, GIVE_UP_US, Peer, Repeat, State, T1_US, sha256};
use crate::world::text::{Text, challenge_value};

impl Peer {
    pub(super) fn token(&mut self, what: &str) -> String {
        self.serial += 1;
        format!(
            "{what}-{}-{}-{}",
            self.name,
            self.address.port(),
            self.serial
        )
    }

    pub(super) fn transport_parameter(&self) -> &'static str {
        if self.is_stream { ";transport=tcp" } else { "" }
    }

    pub(super) fn request(&mut self, method: &str, uri: &str, call_id: &str, cseq: u32) -> Text {
        let branch = self.token("z9hG4bK");
        let mut text = Text {
            first: format!("{method} {uri} SIP/2.0"),
            headers: Vec::new(),
            body: Vec::new(),
        };
        let transport = if self.is_stream { "TCP" } else { "UDP" };
        text.push(
            "Via",
            format!("SIP/2.0/{transport} {};branch={branch};rport", self.address),
        );
        text.push("Max-Forwards", "70");
        text.push("Call-ID", call_id);
        text.push("CSeq", format!("{cseq} {method}"));
        text
    }

    pub(super) fn in_dialog(&mut self, method: &str, index: usize) -> Text {
        self.dialogs[index].cseq += 1;
        let cseq = self.dialogs[index].cseq;
        self.in_dialog_with(method, index, cseq)
    }

    pub(super) fn in_dialog_with(&mut self, method: &str, index: usize, cseq: u32) -> Text {
        let dialog = self.dialogs[index].clone();
        let mut text = self.request(method, &dialog.remote_target, &dialog.call_id, cseq);
        let address = |header: &str| {
            let value = dialog.invite.header(header).unwrap_or_default();
            value.split(";tag=").next().unwrap_or_default().to_owned()
        };
        let (local, remote) = if dialog.is_caller {
            ("From", "To")
        } else {
            ("To", "From")
        };
        text.push(
            "From",
            format!("{};tag={}", address(local), dialog.local_tag),
        );
        let remote = address(remote);
        text.push(
            "To",
            match &dialog.remote_tag {
                Some(tag) => format!("{remote};tag={tag}"),
                None => remote,
            },
        );
        text
    }

    pub(super) fn registration(&mut self, authorization: Option<String>) -> Text {
        let Some(login) = self.login.clone() else {
            return Text {
                first: String::new(),
                headers: Vec::new(),
                body: Vec::new(),
            };
        };
        let call_id = format!("register-{}-{}", self.address.port(), self.register_serial);
        let cseq = self.register_cseq;
        let mut text = self.request("REGISTER", &format!("sip:{}", login.realm), &call_id, cseq);
        text.push(
            "From",
            format!(
                "<sip:{}@{}>;tag=reg{}",
                login.user, login.realm, self.register_serial
            ),
        );
        text.push("To", format!("<sip:{}@{}>", login.user, login.realm));
        text.push(
            "Contact",
            format!(
                "<sip:{}@{}{}>",
                login.user,
                self.address,
                self.transport_parameter()
            ),
        );
        text.push("Expires", self.expires_s.to_string());
        if let Some(authorization) = authorization {
            text.push("Authorization", authorization);
        }
        text
    }

    /// The same request once more, with credentials, a new branch and the next CSeq (RFC 3261 §22.2).
    pub(super) fn send_with_login(&mut self, now_us: u64, client: &Client, challenge: &Text) {
        let Some(authorization) = self.authorization(client.method, &client.request, challenge)
        else {
            return;
        };
        if client.method == "REGISTER" {
            let request = self.registration(Some(authorization));
            self.start(now_us, "REGISTER", request);
        } else {
            let branch = self.token("z9hG4bK");
            let cseq = client.request.cseq().0 + 1;
            let mut request = client.request.clone();
            for (name, value) in &mut request.headers {
                if name == "Via" {
                    *value = value.replace(client.branch.as_str(), &branch);
                } else if name == "CSeq" {
                    *value = format!("{cseq} {}", client.method);
                }
            }
            request.push("Authorization", authorization);
            if let Some(dialog) = self
                .dialogs
                .iter_mut()
                .find(|dialog| dialog.call_id == client.call_id)
            {
                dialog.cseq = cseq;
                dialog.invite = request.clone();
            }
            self.start(now_us, client.method, request);
        }
        if let Some(client) = self.clients.last_mut() {
            client.has_login = true;
        }
    }

    pub(super) fn authorization(
        &mut self,
        method: &str,
        request: &Text,
        challenge: &Text,
    ) -> Option<String> {
        let login = self.login.clone()?;
        let names = ["WWW-Authenticate", "Proxy-Authenticate"];
        let offered = names
            .iter()
            .flat_map(|name| challenge.all(name))
            .find(|value| value.contains("SHA-256"))?;
        let realm = challenge_value(offered, "realm")
            .unwrap_or(&login.realm)
            .to_owned();
        let nonce = challenge_value(offered, "nonce")
            .unwrap_or_default()
            .to_owned();
        let uri = request.first.split(' ').nth(1).unwrap_or_default();
        self.nonce_count += 1;
        let (nc, cnonce) = ("00000001", format!("c{}", self.nonce_count));
        let ha1 = sha256(&format!("{}:{realm}:{}", login.user, login.password));
        let ha2 = sha256(&format!("{method}:{uri}"));
        let response = sha256(&format!("{ha1}:{nonce}:{nc}:{cnonce}:auth:{ha2}"));
        Some(format!(
            "Digest username=\"{}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", response=\"{response}\", \
             algorithm=SHA-256, cnonce=\"{cnonce}\", qop=auth, nc={nc}",
            login.user
        ))
    }

    pub(super) fn start(&mut self, now_us: u64, method: &'static str, request: Text) {
        let bytes = request.to_bytes();
        if !self.is_dead {
            self.out.push(bytes.clone());
        }
        self.clients.push(Client {
            branch: request.branch().to_owned(),
            method,
            call_id: request.call_id().to_owned(),
            request,
            repeat: Repeat {
                bytes,
                next_us: now_us + T1_US,
                interval_us: T1_US,
                until_us: now_us + GIVE_UP_US,
                is_2xx: false,
            },
            has_provisional: false,
            has_login: false,
        });
    }

    pub(super) fn cancel(&mut self, now_us: u64, index: usize) {
        self.dialogs[index].wants_end = true;
        let invite = self.dialogs[index].invite.clone();
        let mut cancel = invite.clone();
        cancel.body.clear();
        cancel.first = cancel.first.replacen("INVITE", "CANCEL", 1);
        cancel.headers.retain(|(name, _)| {
            name != "Contact" && name != "Content-Type" && name != "Authorization"
        });
        for (name, value) in &mut cancel.headers {
            if name == "CSeq" {
                *value = format!("{} CANCEL", invite.cseq().0);
            }
        }
        self.start(now_us, "CANCEL", cancel);
    }

    pub(super) fn bye(&mut self, now_us: u64, index: usize) {
        let bye = self.in_dialog("BYE", index);
        self.dialogs[index].state = State::Ended;
        self.dialogs[index].answer = None;
        self.start(now_us, "BYE", bye);
    }

    pub(super) fn acknowledge(&mut self, index: usize) {
        if !self.forgets_ack && !self.dialogs[index].ack.is_empty() {
            self.out.push(self.dialogs[index].ack.clone());
        }
    }

    pub(super) fn final_refusal(&mut self, now_us: u64, index: usize, status: u16) {
        let tag = self.dialogs[index].local_tag.clone();
        let answer = self.dialogs[index].invite.answer(status, "No", Some(&tag));
        self.dialogs[index].state = State::Ended;
        self.answer_until_ack(now_us, index, &answer, false);
    }

    pub(super) fn answer_until_ack(
        &mut self,
        now_us: u64,
        index: usize,
        answer: &Text,
        is_2xx: bool,
    ) {
        let bytes = answer.to_bytes();
        if !self.is_dead {
            self.out.push(bytes.clone());
        }
        self.dialogs[index].last_answer.clone_from(&bytes);
        self.dialogs[index].answer = Some(Repeat {
            bytes,
            next_us: now_us + T1_US,
            interval_us: T1_US,
            until_us: now_us + GIVE_UP_US,
            is_2xx,
        });
    }

    pub(super) fn forget_old(&mut self) {
        while self.dialogs.len() > ENDED_MAX {
            let Some(at) = self
                .dialogs
                .iter()
                .position(|dialog| dialog.state == State::Ended && dialog.answer.is_none())
            else {
                return;
            };
            self.dialogs.remove(at);
        }
        if self.acks.len() > ENDED_MAX {
            self.acks.remove(0);
        }
    }
}
