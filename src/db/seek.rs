//! Where a list goes on: by key, never by number, so that no page is slow and none skips a row.

use crate::kernel::Ts;

/// After this row in the list's order, or before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seek<I> {
    /// What the list is ordered by.
    pub at: Ts,
    /// The row's id, which tells equal times apart.
    pub id: I,
    /// True for the rows before it; the read returns them nearest first.
    pub back: bool,
}
