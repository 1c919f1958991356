//! A campaign: everybody who saw it calls in the same moment.

use crate::phones::Phones;
use crate::server::{Plan, SENTINEL};
use hotline_phone::{CallScript, Talk};

/// domain.md §14: bursts of 300 simultaneous calls.
const CALLERS: usize = 300;

#[test]
fn three_hundred_call_at_once_and_none_is_refused() {
    let server = Plan::new("burst", 1).start();
    let mut trunk = Phones::start(server.net.sip(), server.net.trunk());
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let talk = Talk::new().wait_ms(3_000).hang_up();
            trunk
                .bank
                .call(CallScript::dial("111").from(SENTINEL).talk(talk))
        })
        .collect();
    for caller in callers {
        trunk.wait_ended(caller);
    }
    let records = server.records(CALLERS);
    let refused = records
        .iter()
        .filter(|record| record["answered"].is_null())
        .count();
    println!("{CALLERS} calls at once, {refused} refused");
    assert_eq!(refused, 0);
}
