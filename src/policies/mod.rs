//! Policies: who may request a package, who decides, for how long.

pub mod model;
