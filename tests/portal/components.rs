//! The test house itself: what the other tests lean on does what it says.

mod browser;
mod database;
mod ldap;
mod provider;

use std::panic::{AssertUnwindSafe, catch_unwind};

/// The words of a panic; the panic itself shows in the output of the test.
fn panics(work: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(work)).expect_err("a panic");
    panic.downcast_ref::<String>().expect("words").clone()
}
