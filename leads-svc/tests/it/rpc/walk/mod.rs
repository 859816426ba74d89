//! A random walk of three workspaces over every method: whatever they call, none of them learns anything of another.
//!
//! Stored: what each workspace has, as its answers told it. Moves: walkers call methods with their own ids, with other
//! workspaces' and with ids of nothing, over gRPC and REST, while a connector works for all of them. Holds: an answer has
//! no word and no id of another workspace, and what is another's is answered as what never was.

mod answers;
mod calls;
mod captured;
mod cases;
mod connector;
mod known;
mod requests;
mod roles;
mod tests;
mod twins;
mod walker;
