//! Ground floor: the words and values that every room shares.
//!
//! Nothing here reads a file, a socket or a database. Times are handed in by a clock.

pub mod fact;
pub mod ids;
pub mod secret;
pub mod text;
pub mod time;

pub use fact::{About, Fact, Family};
pub use ids::*;
pub use secret::Secret;
pub use time::{Clock, Clocks, Ts, Zone};

crate::text_enum! {
    /// Whether somebody belongs to the organization.
    pub enum Kind {
        /// Somebody of the organization.
        Member = "member",
        /// Somebody from outside.
        Guest = "guest",
    }
}

crate::text_enum! {
    /// How much harm a resource role can do (D39).
    pub enum Risk {
        /// Everyday access.
        Ordinary = "ordinary",
        /// Decided one by one, with a reason.
        High = "high",
    }
}
