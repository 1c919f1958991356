//! End to end: the real server on loopback, with SIPp and baresip, with phones of our own and by hand. Each test has
//! a server, a folder and addresses of its own; each asserts what happened and prints its figures.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests fail by panicking and print their figures"
)]

mod audio;
mod baresip;
mod capture;
mod carrier;
mod chromium;
mod connection;
mod hand_media;
mod hand_phone;
mod name_server;
mod namespaces;
mod phones;
mod process;
mod raw;
mod relay;
mod server;
mod sipp;
mod ways;

mod baresip_desks;
mod baresip_passes_on;
mod browser;
mod browser_transfers;
mod burst;
mod carriers;
mod checker;
mod click;
mod crash;
mod database;
mod desk;
mod disk;
mod drain;
mod families;
mod flood;
mod load;
mod media_strangers;
mod nat;
mod privacy;
mod ringing;
mod sipcheck;
mod sipp_dialogs;
mod slow_peers;
mod strangers;
mod talk_baresip;
mod talk_keys;
mod talk_phones;
mod talk_sipp;
mod torture;
mod trace;
mod transfers;
mod waiting;
mod web_sockets;
