//! The sources of core, SIP, switchboard, journal and simulator once more, with bugs planted in them (`bugs.rs`). Which
//! bug is awake is said at run time; none by default. The product is free of marks, and cannot depend on this.

#![allow(
    warnings,
    reason = "copies of sources that are checked at home; what is unused there is used here and the other way round"
)]

extern crate alloc;

use std::cell::Cell;

pub mod bugs;

include!(concat!(env!("OUT_DIR"), "/sources/modules.rs"));

thread_local! {
    static AWAKE: Cell<u32> = const { Cell::new(0) };
}

/// Wakes a bug in this thread; 0 = none.
pub fn wake(bug: u32) {
    AWAKE.with(|awake| awake.set(bug));
}

/// Asked by the planted places.
#[must_use]
pub fn is_awake(bug: u32) -> bool {
    AWAKE.with(Cell::get) == bug
}
