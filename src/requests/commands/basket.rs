//! Several packages are requested at once for one person: all of them, or none.

use super::submit::{Submit, submit};
use crate::access::{Permit, RequestAccess};
use crate::db::Tx;
use crate::error::{Error, FieldError, Result};
use crate::kernel::{BasketId, PersonId, RequestId, Ts};
use crate::requests::{drafts, store};

/// What is sent together.
#[derive(Clone, Debug)]
pub struct Basket {
    /// Drawn with the page: a double submit sends once.
    pub id: BasketId,
    /// Each a request of its own.
    pub items: Vec<Item>,
}

/// One request of a basket.
#[derive(Clone, Debug)]
pub struct Item {
    /// What is asked for; its draft says how.
    pub submit: Submit,
    /// The package's name, for words about it.
    pub name: String,
    /// When the draft that the page showed was kept: another one is shown again before anything is sent.
    pub kept: Ts,
}

/// Sends every item of a basket, each with its own reference, or none. Sent twice, it is sent once.
///
/// # Errors
/// `Invalid` with the items that cannot be sent (field `item-` and the package's id), `Stale`-like changes among them.
pub fn send(
    tx: &mut Tx<'_>,
    permit: &Permit<RequestAccess>,
    basket: &Basket,
) -> Result<Vec<RequestId>> {
    let target = PersonId(permit.about());
    let author = tx.actor().id().ok_or(Error::Missing)?;
    let there = store::of_basket(tx.db(), author, basket.id)?;
    if !there.is_empty() {
        return Ok(there.iter().map(|request| request.id).collect());
    }
    let mut items: Vec<&Item> = basket.items.iter().collect();
    // One order for everybody, so that two who send at once do not wait for each other.
    items.sort_by_key(|item| item.submit.package);
    let (mut sent, mut errors) = (Vec::new(), Vec::new());
    for item in items {
        let package = item.submit.package;
        let field = format!("item-{package}");
        let draft = drafts::one(tx.db(), author, target, package)?;
        if draft.is_none_or(|draft| !draft.in_basket || draft.at != item.kept) {
            errors.push(FieldError::new(
                field,
                format!("{}: it has changed since you opened this page. Check it again", item.name),
            ));
            continue;
        }
        let new = Submit { basket: Some(basket.id), ..item.submit.clone() };
        match submit(tx, permit, &new) {
            Ok(id) => sent.push(id),
            Err(Error::Invalid(wrong)) => errors.extend(wrong.into_iter().map(|error| {
                let field = if error.field == "reason" { error.field } else { field.clone() };
                FieldError::new(field, format!("{}: {}", item.name, error.text))
            })),
            Err(Error::Refused(refusal)) => {
                let words = format!("{}: {}. {}", item.name, refusal.title, refusal.why);
                errors.push(FieldError::new(field, words));
            }
            Err(Error::Missing) => {
                let words = format!("{}: it is no longer there for you. Take it out", item.name);
                errors.push(FieldError::new(field, words));
            }
            Err(other) => return Err(other),
        }
    }
    // An error takes back what was written before it: nothing is sent in part.
    if errors.is_empty() { Ok(sent) } else { Err(Error::Invalid(errors)) }
}
