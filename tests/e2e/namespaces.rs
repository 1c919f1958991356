//! Network namespaces of our own: a host or a router each, joined by cables. Where they are refused the test fails.

use std::fs::File;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU16, Ordering};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// A network namespace, removed when dropped.
pub(crate) struct Namespace {
    name: String,
}

impl Namespace {
    /// A host with nothing but its loopback.
    pub(crate) fn new(role: &str) -> Self {
        static COUNT: AtomicU16 = AtomicU16::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("h111-{role}-{}-{count}", std::process::id());
        command("ip", &["netns", "add", &name]);
        let namespace = Self { name };
        namespace.run("ip link set lo up");
        namespace
    }

    /// Runs a command, words parted by blanks, as a user of this host.
    pub(crate) fn run(&self, line: &str) {
        let mut arguments = vec!["netns", "exec", &self.name];
        arguments.extend(line.split_whitespace());
        command("ip", &arguments);
    }

    /// Does something on a thread that lives here. Sockets, threads and processes made in it stay here.
    pub(crate) fn enter<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        std::thread::scope(|scope| {
            let inside = scope.spawn(|| {
                let link = File::open(self.path()).expect("a namespace of ours");
                move_into_link_name_space(
                    std::os::fd::AsFd::as_fd(&link),
                    Some(LinkNameSpaceType::Network),
                )
                .expect("moving into a namespace of ours");
                work()
            });
            match inside.join() {
                Ok(result) => result,
                Err(panic) => std::panic::resume_unwind(panic),
            }
        })
    }

    fn path(&self) -> PathBuf {
        PathBuf::from("/run/netns").join(&self.name)
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = Command::new("ip")
            .args(["netns", "del", &self.name])
            .status();
    }
}

/// A cable between two hosts: name of the link, the host, and its addresses with prefix length at each end.
pub(crate) fn cable(one: (&Namespace, &str, &[&str]), other: (&Namespace, &str, &[&str])) {
    command(
        "ip",
        &[
            "link",
            "add",
            one.1,
            "netns",
            &one.0.name,
            "type",
            "veth",
            "peer",
            "name",
            other.1,
            "netns",
            &other.0.name,
        ],
    );
    for (host, link, addresses) in [one, other] {
        for address in addresses {
            host.run(&format!("ip addr add {address} dev {link}"));
        }
        host.run(&format!("ip link set {link} up"));
    }
}

fn command(program: &str, arguments: &[&str]) {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("starting {program}: {error}"));
    assert!(
        output.status.success(),
        "{program} {}: {}",
        arguments.join(" "),
        String::from_utf8_lossy(&output.stderr)
    );
}
