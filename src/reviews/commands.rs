//! Use cases of reviews: `defining` sets them up, `answering` is the reviewer's part, `running` the keeper's, `closing`
//! what becomes of the answers, `taking` the removals on target systems, `describing` what owners do about what nobody understood.

mod answering;
mod closing;
mod defining;
mod describing;
mod running;
mod staging;
mod taking;

pub use answering::{Answered, Says, answer, answer_all, clear_batch, pass_on, reply, sign_off};
pub use closing::{
    CHUNK, close, close_due, confirm, confirmed, has_news, look, not_open, outcomes, prove,
    removals, undo,
};
pub use defining::{NewReview, change, create, end, rehearse, start_now};
pub use describing::described;
pub use running::{as_shown, cancel, extend, hand_over, rehouse, remind, remind_now, reset};
pub use staging::{advance, next_stage};
pub use taking::take_away;
