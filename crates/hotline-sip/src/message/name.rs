//! Header names: long, compact, any case.

macro_rules! names {
    ($($variant:ident $long:literal $compact:literal),* $(,)?) => {
        /// A header name that we look at. All others stay text.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Name {
            $(#[doc = $long] $variant,)*
            /// Any other legal name.
            Other,
        }

        impl Name {
            /// The name in any case, long or compact (RFC 3261 §7.3.3).
            #[must_use]
            pub fn parse(text: &str) -> Self {
                $(if text.eq_ignore_ascii_case($long) || (!$compact.is_empty() && text.eq_ignore_ascii_case($compact)) {
                    return Self::$variant;
                })*
                Self::Other
            }
            /// The long form.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $long,)*
                    Self::Other => "",
                }
            }
        }
    };
}

names! {
    Via "Via" "v",
    From "From" "f",
    To "To" "t",
    CallId "Call-ID" "i",
    CSeq "CSeq" "",
    MaxForwards "Max-Forwards" "",
    Contact "Contact" "m",
    ContentLength "Content-Length" "l",
    ContentType "Content-Type" "c",
    ContentEncoding "Content-Encoding" "e",
    ContentDisposition "Content-Disposition" "",
    Route "Route" "",
    RecordRoute "Record-Route" "",
    Accept "Accept" "",
    Allow "Allow" "",
    Authorization "Authorization" "",
    Diversion "Diversion" "",
    Event "Event" "o",
    Expires "Expires" "",
    HistoryInfo "History-Info" "",
    MinExpires "Min-Expires" "",
    MinSe "Min-SE" "",
    PAssertedIdentity "P-Asserted-Identity" "",
    Path "Path" "",
    ProxyAuthenticate "Proxy-Authenticate" "",
    ProxyAuthorization "Proxy-Authorization" "",
    ProxyRequire "Proxy-Require" "",
    RAck "RAck" "",
    ReferSub "Refer-Sub" "",
    ReferTo "Refer-To" "r",
    ReferredBy "Referred-By" "b",
    Replaces "Replaces" "",
    Require "Require" "",
    RetryAfter "Retry-After" "",
    RSeq "RSeq" "",
    SessionExpires "Session-Expires" "x",
    Supported "Supported" "k",
    Unsupported "Unsupported" "",
    WwwAuthenticate "WWW-Authenticate" "",
}
