//! Numbers for things, each with a type of its own so that two cannot be swapped.

use core::fmt;
use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub $inner);
    };
}

id!(
    /// A call: one caller and whatever serves it. Unique over restarts and nodes: node in the top 8 bits,
    /// then a counter that starts at the start's second shifted left by 20. Also names its recording.
    CallId(u64)
);
id!(
    /// A leg: one peer's end of a call. Incoming legs are even (numbered by the edge), outgoing legs odd
    /// (numbered by core).
    LegId(u64)
);
id!(
    /// One run of clips on a leg; rises.
    PlayId(u64)
);
id!(
    /// A request from a person; the reply names it.
    RequestId(u64)
);
id!(
    /// Index into `Plan::agents`.
    AgentId(u32)
);
id!(
    /// Index into `Plan::queues`.
    QueueId(u16)
);
id!(
    /// Index into `Plan::languages`.
    LanguageId(u16)
);
id!(
    /// Index into `Plan::services`.
    ServiceId(u16)
);
id!(
    /// Index into `Plan::centres`.
    CentreId(u16)
);
id!(
    /// Index into `Plan::mobiles`.
    MobileId(u16)
);
id!(
    /// Index into `Plan::flows`.
    FlowId(u16)
);
id!(
    /// Index into `Flow::nodes`.
    NodeId(u16)
);
id!(
    /// Index into `Plan::prompts`.
    PromptId(u16)
);
id!(
    /// Index into `Plan::routes`.
    RouteId(u16)
);

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Display for LegId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}
