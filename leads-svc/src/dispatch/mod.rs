//! From what is owed to hints on streams, and back from what was lost.

mod gauges;
mod publish;
mod sweep;
mod withdraw;

pub use gauges::Gauges;
pub use publish::Dispatcher;
pub use sweep::Sweeper;
pub use withdraw::Withdrawer;
