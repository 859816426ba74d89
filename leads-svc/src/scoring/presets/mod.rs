//! Frameworks that come with the product, as data.

mod bant;

pub use bant::bant;
