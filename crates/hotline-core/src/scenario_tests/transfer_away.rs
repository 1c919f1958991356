//! A caller is passed on to a queue or to somebody outside.

use super::{LAN_TALKS, check_from};
use expect_test::expect;

#[test]
fn a_queue_takes_the_caller_at_the_old_rank_if_anybody_is_there() {
    check_from(
        LAN_TALKS,
        "3 lan passes to 601
         4 mai signs in
         4 mai is reachable
         5 c2 dials 18001567
         6 mai answers
         7 c3 dials 18001567
         8 lan passes to 601
         9 mai hangs up
         10 mai ends wrap-up
         11 mai answers",
        expect![[r#"
            3.0   > lan passes to 601
            3.0     c1: lan passes on to Queue("trafficking")
            3.0     lan: <- transfer Trying
            3.0     c1: transfer Failed(Unreachable)
            3.0     lan: <- transfer Failed(Unreachable)
            4.0   > mai signs in
            4.0     mai: ready (request)
            4.0     reply: done
            4.0   > mai is reachable
            5.0   > c2 dials 18001567
            5.0     c2: ***78 from trunk viettel to 18001567 = trafficking | <- answer
            5.0     c2: answered | recording Made | <- record | speaks vi | queued in trafficking for trafficking, head start 300 | <- bed Music | <- say through danger.now | offered to mai
            5.0     mai: offered c2 (offer) | <- ring
            6.0   > mai answers
            6.0     c2: offer to mai ended, Answered | joined with mai | notice heard, None
            6.0     mai: talking with c2 (answer)
            6.0     c2: <- connect mai
            7.0   > c3 dials 18001567
            7.0     c3: ***78 from trunk viettel to 18001567 = trafficking | <- answer
            7.0     c3: answered | recording Made | <- record | speaks vi | queued in trafficking for trafficking, head start 300 | <- bed Music | <- say through danger.now
            8.0   > lan passes to 601
            8.0     c1: lan passes on to Queue("trafficking")
            8.0     lan: <- transfer Trying
            8.0     c1: transfer Done | queued in trafficking for trafficking, head start 300 | <- disconnect | <- bed Music | <- say through xfer.wait
            8.0     lan: <- transfer Done | <- hang up, NormalClearing | wrap-up of c1 (call_over)
            9.0   > mai hangs up
            9.0     mai: wrap-up of c2 (call_over)
            9.0     c2: ended by Agent, NormalClearing | <- hang up, NormalClearing
            10.0  > mai ends wrap-up
            10.0    mai: ready (request)
            10.0    reply: done
            10.0    c1: offered to mai
            10.0    mai: offered c1 (offer) | <- ring
            11.0  > mai answers
            11.0    c1: offer to mai ended, Answered | joined with mai
            11.0    mai: talking with c1 (answer)
            11.0    c1: <- connect mai
        "#]],
    );
}

#[test]
fn an_allowed_number_outside_takes_the_caller_and_nobody_else_does() {
    check_from(
        LAN_TALKS,
        "3 lan passes to 114
         4 lan passes to 500
         5 lan passes to 701
         6 c1 passes to 113
         6 lan passes to 0900123456
         7 lan passes to 113
         8 outside rings
         9 outside is busy
         10 lan passes to 113
         11 lan passes to 113
         12 outside answers
         15 outside is silent
         20 outside hangs up",
        expect![[r#"
            3.0   > lan passes to 114
            3.0     lan: <- transfer Refused(UnknownTarget)
            4.0   > lan passes to 500
            4.0     lan: <- transfer Refused(NotAllowed)
            5.0   > lan passes to 701
            5.0     lan: <- transfer Refused(NotAllowed)
            6.0   > c1 passes to 113
            6.0     c1: <- transfer Refused(NotInTalk)
            6.0   > lan passes to 0900123456
            6.0     lan: <- transfer Refused(NotAllowed)
            7.0   > lan passes to 113
            7.0     c1: lan passes on to Outside(***)
            7.0     lan: <- transfer Trying
            7.0     c1: <- disconnect | <- bed Music
            7.0     outside: <- ring 113 over north, south
            7.0     c1: <- say through xfer.wait
            8.0   > outside rings
            8.0     lan: <- transfer Ringing
            9.0   > outside is busy
            9.0     c1: transfer Failed(Busy)
            9.0     lan: <- transfer Failed(Busy)
            9.0     c1: <- connect lan
            10.0  > lan passes to 113
            10.0    c1: lan passes on to Outside(***)
            10.0    lan: <- transfer Trying
            10.0    c1: <- disconnect | <- bed Music
            10.0    outside: <- ring 113 over north, south
            10.0    c1: <- say through xfer.wait
            11.0  > lan passes to 113
            11.0    lan: <- transfer Refused(NotNow)
            12.0  > outside answers
            12.0    c1: transfer Done
            12.0    lan: <- transfer Done | <- hang up, NormalClearing | wrap-up of c1 (call_over)
            12.0    c1: joined with *** outside | <- connect outside
            15.0  > outside is silent
            15.0    outside: <- probe
            20.0  > outside hangs up
            20.0    c1: ended by Outside, NormalClearing | <- hang up, NormalClearing
        "#]],
    );
}

#[test]
fn a_lost_line_outside_brings_the_caller_back_before_everybody() {
    check_from(
        LAN_TALKS,
        "3 lan passes to 113
         4 outside answers
         5 c2 dials 111
         6 c2 presses 9
         6 lan ends wrap-up
         7 outside is lost
         8 lan declines
         9 lan wants ready",
        expect![[r#"
            3.0   > lan passes to 113
            3.0     c1: lan passes on to Outside(***)
            3.0     lan: <- transfer Trying
            3.0     c1: <- disconnect | <- bed Music
            3.0     outside: <- ring 113 over north, south
            3.0     c1: <- say through xfer.wait
            4.0   > outside answers
            4.0     c1: transfer Done
            4.0     lan: <- transfer Done | <- hang up, NormalClearing | wrap-up of c1 (call_over)
            4.0     c1: joined with *** outside | <- connect outside
            5.0   > c2 dials 111
            5.0     c2: ***78 from trunk viettel to 111 = entry | <- answer
            5.0     c2: answered | recording Made | <- record | speaks vi | <- bed Soft | at entry | <- say greet.main lang.en/en lang.more svc.child svc.traf svc.cannot svc.human
            6.0   > c2 presses 9
            6.0     c2: key 9 at entry | at cannot | queued in urgent for any, head start 600, silent | <- bed Music | <- say through danger.now svc.cannot_ok
            6.0   > lan ends wrap-up
            6.0     lan: ready (request)
            6.0     reply: done
            6.0     c2: offered to lan
            6.0     lan: offered c2 (offer) | <- ring
            7.0   > outside is lost
            7.0     c1: outside is lost | <- disconnect | <- bed Music | <- say through sys.lost_agent
            8.0   > lan declines
            8.0     c2: offer to lan ended, Declined
            8.0     lan: not ready, declined (declined)
            8.0     ALARM: lan is alone and did not answer
            9.0   > lan wants ready
            9.0     lan: ready (request)
            9.0     reply: done
            9.0     c1: offered to lan
            9.0     lan: offered c1 (offer) | <- ring
        "#]],
    );
}
