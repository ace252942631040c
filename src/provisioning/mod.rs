//! Delivery: what people shall have and what the target systems really give them.

pub mod connectors;
