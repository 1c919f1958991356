//! Whole calls in virtual time: peers with tones, a shard between them, no sockets.

mod bridge;
mod packet_length;
mod play;
mod protect;
mod quality;
mod record;
mod sdes;
mod shared;
mod world;
