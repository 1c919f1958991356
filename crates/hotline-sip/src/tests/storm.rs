//! Random calls over a network that loses, doubles and reorders: whatever happens, everything ends.

use super::net::Net;

const MOVES: &[&str] = &[
    "trunk calls 111",
    "trunk calls 111 tcp",
    "phone calls 113 tv01",
    "server rings tv01",
    "server rings tv02",
    "server answers",
    "server answers",
    "server hangs up",
    "server rejects 486",
    "server presses 5",
    "server doubts",
    "trunk hangs up",
    "trunk presses 7",
    "phone rings",
    "phone answers",
    "phone answers",
    "phone rejects 486",
    "phone rejects 603",
    "phone hangs up",
    "tablet rings",
    "tablet answers",
    "tablet hangs up",
    "phone registers tv01",
    "tablet registers tv01",
    "tablet registers tv02 tcp",
    "cut tcp",
    "wait 0.02",
    "wait 0.3",
    "wait 3",
    "server icmp phone",
];

fn storm(seed: u64, loss_percent: u64, moves: usize) -> Net {
    let mut net = Net::new();
    net.seed(seed);
    net.act("phone registers tv01");
    net.act("tablet registers tv01");
    net.act("tablet registers tv02 tcp");
    net.run_ms(200);
    (net.loss_percent, net.duplicate_percent) = (loss_percent, 10);
    for _ in 0..moves {
        let line = MOVES[usize::try_from(net.roll()).unwrap() % MOVES.len()];
        let name = line.split(' ').next().unwrap();
        let needs_call =
            !line.contains("calls") && !line.contains("regist") && !line.contains("icmp");
        if needs_call
            && !matches!(name, "wait" | "cut")
            && !line.starts_with("server rings")
            && net.node(name).dialogs.is_empty()
        {
            continue;
        }
        net.act(line);
        let pause_ms = net.roll() % 20;
        net.run_ms(pause_ms);
    }
    net
}

/// Everybody hangs up, the network heals, and after the longest timers nothing is left.
fn end(mut net: Net, seed: u64) {
    for name in ["server", "trunk", "phone", "tablet"] {
        for dialog in net.node(name).dialogs.clone() {
            net.command(
                name,
                crate::Command::Hangup {
                    dialog,
                    reason: None,
                },
            );
        }
    }
    (net.loss_percent, net.duplicate_percent) = (0, 0);
    net.run_ms(150_000);
    for node in &net.nodes {
        let counters = node.endpoint.counters();
        assert!(
            node.endpoint.idle(),
            "seed {seed}: {} is not idle: {counters:?} {:#?}\n{}",
            node.name,
            node.endpoint.transactions,
            net.log
        );
        let dialogs = node
            .kept
            .keys()
            .filter(|(table, _)| *table == crate::Table::Dialog)
            .count();
        assert_eq!(dialogs, 0, "seed {seed}: {} keeps dialogs", node.name);
    }
}

#[test]
fn after_any_storm_nothing_is_left() {
    for seed in 0..150 {
        end(
            storm(seed, [0, 5, 20, 40][usize::try_from(seed).unwrap() % 4], 60),
            seed,
        );
    }
}

#[test]
fn a_restart_in_a_storm_leaves_no_dead_line() {
    for seed in 1_000..1_060 {
        let mut net = storm(seed, 10, 40);
        (net.loss_percent, net.duplicate_percent) = (0, 0);
        net.run_ms(1_000);
        net.node("server").dialogs.clear();
        net.restart("server", 100);
        // An INVITE may be on its way still: its phone rings until somebody lifts or lays down.
        net.run_ms(1_000);
        end(net, seed);
    }
}

#[test]
fn the_same_seed_tells_the_same_story() {
    assert_eq!(storm(7, 20, 80).log, storm(7, 20, 80).log);
}
