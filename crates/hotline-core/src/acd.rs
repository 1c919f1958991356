//! Who gets whom: the waiting list, the counsellors, the choice, the offer.

pub(crate) mod agent;
mod announce;
pub(crate) mod assign;
pub(crate) mod mobile;
pub(crate) mod offer;
pub(crate) mod queue;
mod seat;
mod settle;
mod strain;
mod wait;
mod widen;

pub(crate) use wait::Entry;
