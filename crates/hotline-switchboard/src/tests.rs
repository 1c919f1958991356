//! Ladders through the whole switchboard.
