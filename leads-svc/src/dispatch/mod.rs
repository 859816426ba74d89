//! From what is owed to hints on streams, and back from what was lost.

mod publish;
mod sweep;

pub use publish::Dispatcher;
pub use sweep::Sweeper;
