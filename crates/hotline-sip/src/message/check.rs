//! What every message must have before anyone acts on it (RFC 3261 §8.1.1, §20).

use super::{Message, Method, Name, NameAddr, Uri, Via, lex, uri};

/// Why a request is refused before anyone looks at what it wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// 400, 505, 513.
    pub status: u16,
    /// For the log.
    pub why: &'static str,
}

/// The headers that every message has, parsed.
#[derive(Clone, Debug)]
pub struct Heads {
    /// Topmost Via.
    pub via: Via,
    /// From.
    pub from: NameAddr,
    /// To.
    pub to: NameAddr,
    /// Call-ID.
    pub call_id: String,
    /// Number in CSeq.
    pub cseq: u32,
    /// Method in CSeq.
    pub cseq_method: Method,
    /// Request-URI; None in responses.
    pub uri: Option<Uri>,
}

impl Heads {
    /// Tag of From; empty for peers of RFC 2543.
    #[must_use]
    pub fn from_tag(&self) -> &str {
        self.from.tag().unwrap_or_default()
    }
    /// Tag of To; empty outside dialogs.
    #[must_use]
    pub fn to_tag(&self) -> &str {
        self.to.tag().unwrap_or_default()
    }
}

impl Message {
    /// Parses what every message must have.
    ///
    /// # Errors
    /// With the status by which a request of this kind is refused; responses with a fault are to be dropped.
    pub fn heads(&self) -> Result<Heads, Fault> {
        if let Some(fault) = self.fault() {
            return Err(fault);
        }
        for name in SINGLE {
            if self.count(name) > 1 {
                return Err(bad("Header twice"));
            }
        }
        let via = self
            .first(Name::Via)
            .and_then(|via| Via::parse(&via))
            .ok_or(bad("Bad Via"))?;
        let from = self.address(Name::From)?;
        let to = self.address(Name::To)?;
        let call_id = self
            .value(Name::CallId)
            .filter(|call_id| !call_id.is_empty())
            .ok_or(bad("Bad Call-ID"))?
            .into_owned();
        let (cseq, cseq_method) = self.cseq().ok_or(bad("Bad CSeq"))?;
        let uri = match self.method() {
            Some(method) if *method != cseq_method => return Err(bad("CSeq names another method")),
            Some(_) => Some(self.checked_uri()?),
            None => None,
        };
        self.check_rest()?;
        Ok(Heads {
            via,
            from,
            to,
            call_id,
            cseq,
            cseq_method,
            uri,
        })
    }

    fn address(&self, name: Name) -> Result<NameAddr, Fault> {
        self.value(name)
            .and_then(|value| NameAddr::parse(&value))
            .ok_or(bad("Bad From or To"))
    }

    fn cseq(&self) -> Option<(u32, Method)> {
        let value = self.value(Name::CSeq)?;
        let (number, method) = value.split_once([' ', '\t'])?;
        // RFC 3261 §8.1.1.5: less than 2**31.
        let number = uri::decimal(number).filter(|number: &u32| *number < 1 << 31)?;
        Some((number, Method::parse(method.trim())?))
    }

    fn checked_uri(&self) -> Result<Uri, Fault> {
        // RFC 4475 §3.1.2.11: a Request-URI with embedded headers is refused.
        let parsed = Uri::parse(&self.request_uri()).filter(|uri| uri.headers.is_none());
        parsed.ok_or(bad("Bad Request-URI"))
    }

    fn check_rest(&self) -> Result<(), Fault> {
        for contact in self.list(Name::Contact).ok_or(bad("Bad Contact"))? {
            if contact != "*" && NameAddr::parse(&contact).is_none() {
                return Err(bad("Bad Contact"));
            }
        }
        if let Some(hops) = self.value(Name::MaxForwards)
            && uri::decimal::<u32>(&hops).is_none()
        {
            return Err(bad("Bad Max-Forwards"));
        }
        for name in [Name::Route, Name::RecordRoute] {
            for line in self.lines(name) {
                let text = lex::text(line);
                let parts = lex::split(&text, ',').ok_or(bad("Bad Route"))?;
                if !parts.iter().all(|part| NameAddr::parse(part).is_some()) {
                    return Err(bad("Bad Route"));
                }
            }
        }
        Ok(())
    }
}

const fn bad(why: &'static str) -> Fault {
    Fault { status: 400, why }
}

/// RFC 3261 §7.3.1: only lists may stand in several lines.
const SINGLE: [Name; 6] = [
    Name::From,
    Name::To,
    Name::CallId,
    Name::CSeq,
    Name::MaxForwards,
    Name::ContentType,
];
