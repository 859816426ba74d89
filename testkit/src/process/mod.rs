//! Child processes: how they are described, started, watched and stopped. None of them outlives this process.

mod child;
mod lifeline;
mod program;

pub use child::Process;
pub use program::{Program, find_on_path};
