//! What the tests, the benchmarks and the development stack share: real servers, vendor simulators, a process
//! runner and faults. A leaf: it knows the wire contracts and none of the code under test.

#[cfg(feature = "bench")]
pub mod bench;
pub mod captures;
pub mod client;
pub mod dev;
pub mod fakes;
pub mod faults;
pub mod http;
pub mod ports;
pub mod process;
pub mod servers;
pub mod stack;
pub mod wait;
