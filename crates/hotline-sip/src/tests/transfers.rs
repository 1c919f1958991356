//! REFER, NOTIFY and Replaces.
