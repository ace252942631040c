//! The demonstration: everything around Keyholder that an organization would bring.

pub mod company;
mod offer;
pub mod provider;
pub mod target;
