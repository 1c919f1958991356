//! What a trunk says of its caller: who (in the order in which it is believed), hidden or not, and from where.

use crate::message::{Message, Name, NameAddr, Uri, lex, multipart};
use crate::reply::Request;
use crate::{CarrierNote, Trunk};

/// The caller as a trunk asserts it (RFC 3325 §9.1), and as older ones say it (Remote-Party-ID).
pub(crate) fn asserted(message: &Message) -> Option<NameAddr> {
    let asserted = message.list(Name::PAssertedIdentity).unwrap_or_default();
    let first = asserted.iter().find_map(|value| NameAddr::parse(value));
    first.or_else(|| NameAddr::parse(&message.other("Remote-Party-ID")?))
}

/// Whether the caller asks to stay unknown.
pub(crate) fn is_private(message: &Message) -> bool {
    let is_hidden = |value: &str| {
        value.split([';', ',']).any(|one| {
            let one = one.trim().to_ascii_lowercase();
            // `header`, `session` and `critical` ask a privacy service for other things; `none` for none.
            matches!(one.as_str(), "id" | "user" | "full")
        })
    };
    if message
        .other("Privacy")
        .is_some_and(|value| is_hidden(&value))
    {
        return true;
    }
    let party = message
        .other("Remote-Party-ID")
        .and_then(|value| NameAddr::parse(&value));
    party.is_some_and(|party| {
        party
            .params
            .value("privacy")
            .is_some_and(|privacy| privacy.eq_ignore_ascii_case("full"))
    })
}

/// RFC 3323 §4.1.1.3, and what gateways send in practice.
pub(crate) fn is_anonymous(uri: &Uri) -> bool {
    let user = uri.user.to_ascii_lowercase();
    let is_word = matches!(
        user.as_str(),
        "" | "anonymous" | "restricted" | "unavailable" | "unknown" | "private"
    );
    is_word || uri.host.to_ascii_lowercase().ends_with("anonymous.invalid")
}

/// Everything that is kept of a trunk's INVITE besides number and name.
pub(crate) fn note(request: &Request, trunk: Option<&Trunk>) -> CarrierNote {
    let message = &request.message;
    let from = &request.heads.from;
    let asserted = asserted(message);
    let caller = asserted.as_ref().map_or(&from.uri, |party| &party.uri);
    let is_hidden = is_private(message) || (asserted.is_none() && is_anonymous(&from.uri));
    let wanted = trunk.map(|trunk| trunk.region_headers.as_slice());
    let region_headers = wanted.unwrap_or_default().iter().filter_map(|name| {
        let value = named(message, name)?;
        let value = value.chars().take(VALUE_LETTERS_MAX).collect();
        Some((name.to_ascii_lowercase(), value))
    });
    CarrierNote {
        caller_uri: caller.as_str().chars().take(VALUE_LETTERS_MAX).collect(),
        is_private: is_hidden,
        trunk_group: trunk_group(request),
        region_headers: region_headers.collect(),
        geolocation: geolocation(message),
        location: location(message),
    }
}

/// A header by any name, long ones that we know included.
fn named(message: &Message, name: &str) -> Option<String> {
    match Name::parse(name) {
        Name::Other => message.other(name).map(std::borrow::Cow::into_owned),
        known => message.value(known).map(std::borrow::Cow::into_owned),
    }
}

fn trunk_group(request: &Request) -> Option<String> {
    let contact = request.message.first(Name::Contact);
    let contact = contact.and_then(|contact| NameAddr::parse(&contact));
    let uris = contact
        .map(|contact| contact.uri)
        .into_iter()
        .chain(request.heads.uri.clone());
    // RFC 4904 §4: in the user part, which is where telephone parameters stand; some put it behind the host.
    uris.into_iter().find_map(|uri| {
        let of_user = uri.user.split(';').skip(1).find_map(|param| {
            let (name, value) = param.split_once('=')?;
            name.eq_ignore_ascii_case("tgrp")
                .then(|| lex::unescape(value))
        });
        of_user.or_else(|| uri.params.value("tgrp").map(str::to_owned))
    })
}

fn geolocation(message: &Message) -> Vec<String> {
    let Some(line) = message.other("Geolocation") else {
        return Vec::new();
    };
    let values = lex::split(&line, ',').unwrap_or_default();
    values
        .into_iter()
        .filter(|value| !value.is_empty())
        .take(GEOLOCATIONS_MAX)
        .map(|value| value.chars().take(VALUE_LETTERS_MAX).collect())
        .collect()
}

/// The location in the body (RFC 6442 §3.1): beside the offer, or alone in an INVITE without one.
pub(crate) fn location(message: &Message) -> Option<Vec<u8>> {
    let content_type = message.value(Name::ContentType)?;
    let is_alone = content_type
        .split(';')
        .next()
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case(PIDF));
    let found = if is_alone {
        Some(message.body().to_vec())
    } else {
        multipart::part(&content_type, message.body(), PIDF)
    };
    found.filter(|location| !location.is_empty() && location.len() <= LOCATION_BYTES_MAX)
}

const PIDF: &str = "application/pidf+xml";
/// Bounds of what is kept of one call: more than any carrier sends.
const LOCATION_BYTES_MAX: usize = 16 << 10;
const GEOLOCATIONS_MAX: usize = 4;
const VALUE_LETTERS_MAX: usize = 256;
