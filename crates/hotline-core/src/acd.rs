//! Who gets whom: the waiting list, the counsellors, the choice, the offer.

pub(crate) mod agent;
pub(crate) mod assign;
pub(crate) mod offer;
pub(crate) mod queue;
mod seat;
mod settle;
mod wait;

pub(crate) use wait::Entry;
