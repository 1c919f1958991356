//! Which descriptions are a browser's: an offer that is one is answered as one, and never with anything less.

use hotline_core::LegId;
use hotline_media::LegPlan;
use hotline_media::browser::{self, BrowserPlan, Identity};
use hotline_media::sdp::{self, Capabilities, SdpError};
use std::sync::Arc;

/// Makes and reads descriptions of either sort.
#[derive(Debug)]
pub(crate) struct Browsers {
    /// None: no browser is served.
    pub(crate) identity: Option<Arc<Identity>>,
}

/// A description of ours, what it means for the audio, and what for ICE and DTLS if the peer is a browser.
pub(crate) type Agreed = (Vec<u8>, LegPlan, Option<BrowserPlan>);

impl Browsers {
    /// The answer follows the offer.
    pub(crate) fn answer(
        &self,
        leg: LegId,
        offer: &[u8],
        capabilities: &Capabilities,
        local: &sdp::Local<'_>,
    ) -> Result<Agreed, SdpError> {
        if !browser::is_browser_offer(offer) {
            // In a browser's dialog this is refused: it would lose its protection.
            let (body, plan) = sdp::answer(offer, capabilities, local)?;
            return Ok((body, plan, None));
        }
        let answered = self.with(leg, local, |local| {
            browser::answer(offer, capabilities, local)
        });
        let (body, plan, browser) = answered.ok_or(SdpError::NothingInCommon)??;
        Ok((body, plan, Some(browser)))
    }

    /// An offer for contacts that are browsers; None when none is served.
    pub(crate) fn offer(
        &self,
        leg: LegId,
        capabilities: &Capabilities,
        local: &sdp::Local<'_>,
    ) -> Option<Vec<u8>> {
        let offered = self.with(leg, local, |local| browser::offer(capabilities, local));
        offered?.ok()
    }

    /// Reads the answer to an offer that was made for a browser, or for anybody else.
    pub(crate) fn accept(
        &self,
        (leg, is_browser): (LegId, bool),
        answer: &[u8],
        capabilities: &Capabilities,
        local: &sdp::Local<'_>,
    ) -> Result<(LegPlan, Option<BrowserPlan>), SdpError> {
        if !is_browser {
            return Ok((sdp::accept(capabilities, answer, local)?, None));
        }
        let accepted = self.with(leg, local, |local| {
            browser::accept(capabilities, answer, local)
        });
        let (plan, browser) = accepted.ok_or(SdpError::NothingInCommon)??;
        Ok((plan, Some(browser)))
    }

    /// For a leg whose browser has not answered: its checks and its handshake often come before its answer does.
    pub(crate) fn waiting(&self, leg: LegId) -> Option<BrowserPlan> {
        let local = self.identity.as_ref()?.credentials(leg.0)?;
        let remote = None;
        Some(BrowserPlan { local, remote })
    }

    fn with<T>(
        &self,
        leg: LegId,
        local: &sdp::Local<'_>,
        make: impl FnOnce(&browser::Local<'_>) -> T,
    ) -> Option<T> {
        let identity = self.identity.as_deref()?;
        let credentials = identity.credentials(leg.0)?;
        Some(make(&browser::Local {
            identity,
            credentials: &credentials,
            plain: *local,
        }))
    }
}
