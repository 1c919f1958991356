//! What is measured, by subject.

pub(super) mod audio;
pub(super) mod clicks;
pub(super) mod costs;
pub(super) mod matcher;
pub(super) mod memory;
pub(super) mod offers;
pub(super) mod rate;
pub(super) mod start;
