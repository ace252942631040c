//! A package that somebody may know of and cannot request: which rule says so, and who can help (B8). No error: nobody
//! typed anything wrong.

use askama::Template;

use crate::delegation::store::owners;
use crate::directory::store::names;
use crate::error::Result;
use crate::kernel::{Kind, PersonId};
use crate::policies::model::Policy;
use crate::policies::store::of_package;
use crate::requests::asking::{Case, for_others};
use crate::requests::eligibility::{No, Position};
use crate::web::page::Names;
use crate::web::words::date_in_full;
use crate::web::{Cx, Place, Reply, Shell};

#[derive(Template)]
#[template(path = "packages/cannot.html")]
struct CannotPage {
    shell: Shell,
    name: String,
    other: Option<String>,
    catalog: String,
    description: String,
    why: String,
    /// Where every rule is listed.
    tree: String,
    /// The reason of a stop, in the words of whoever stopped it.
    quote: Option<String>,
    scopes: Vec<(String, String)>,
    /// The manager who can request it.
    manager: Option<String>,
    owners: Names,
    /// Where it is requested for somebody else.
    behalf: Option<String>,
    find: String,
}

/// The page.
pub(super) fn page(cx: &Cx, case: &Case) -> Result<Reply> {
    let position = &case.ask.position;
    let no = position.no.clone().unwrap_or(No::OutOfScope);
    let asks_manager = matches!(no, No::NotYours { manager: true });
    let manager: Option<PersonId> =
        position.target.manager.filter(|_| asks_manager && case.other().is_none());
    let (policies, behalf, owners, manager) = cx.read(|db| {
        let policies = of_package(db, position.package)?;
        let behalf = case.other().is_none() && for_others(db, &position.requestor, &policies)?;
        let manager = match manager {
            Some(id) => names(db, &[id])?.remove(&id),
            None => None,
        };
        Ok((policies, behalf, owners(db, position.catalog)?, manager))
    })?;
    let policies: Vec<Policy> = policies.into_iter().filter(|policy| policy.enabled).collect();
    let names: Vec<String> = owners.into_iter().map(|owner| owner.name).collect();
    let other = case.other();
    let title = match &other {
        Some(name) => format!("{} cannot be requested for {name} – Browse", case.name()),
        None => format!("You cannot request {} – Browse", case.name()),
    };
    let quote = match &no {
        No::Stopped(stop) => Some(stop.reason.clone()),
        _ => None,
    };
    // While everything stands still, who may ask otherwise does not help.
    let says = matches!(no, No::OutOfScope | No::NotYours { .. });
    let scopes = policies.iter().filter(|_| says).map(|policy| {
        let first = policy.terms.reads().into_iter().next().unwrap_or_default();
        (policy.name.clone(), first)
    });
    let page = CannotPage {
        shell: cx.shell(title, Place::Browse)?,
        name: case.name().to_owned(),
        catalog: position.catalog_name.clone(),
        description: position.description.clone(),
        why: words(position, &no, cx),
        tree: format!("/packages/{}/why{}", position.package, case.query()),
        quote,
        scopes: scopes.collect(),
        manager,
        owners: Names::of(&names),
        behalf: behalf.then(|| format!("/packages/{}/request/for", position.package)),
        find: format!("/packages{}", case.query()),
        other,
    };
    Reply::page(&page)
}

/// The rule that says no, for those who look after the package.
pub(super) fn why(case: &Case) -> String {
    let no = case.ask.position.no.as_ref().unwrap_or(&No::OutOfScope);
    crate::web::words::capital(no.words())
}

/// The rule that says no, as a sentence for the one who reads.
pub(super) fn words(position: &Position, no: &No, cx: &Cx) -> String {
    let own = cx.person().is_ok_and(|me| me.id == position.target.id);
    match no {
        No::Stopped(stop) => {
            let day = date_in_full(cx.zone().date(stop.at));
            let (by, thing) = (&stop.by, stop.thing.word());
            format!(
                "{by} stopped this {thing} on {day}. What people have stays; open requests wait."
            )
        }
        No::NotYours { manager } if cx.person().is_ok_and(|me| me.id != position.requestor.id) => {
            let how = match manager {
                true => "their manager requests it for them",
                false => "its policy does not let them request it themselves",
            };
            format!("It is meant for {}, but {how}.", position.target.name)
        }
        _ => {
            let members = position.analysis.for_members();
            let guest = position.target.kind == Kind::Guest;
            rule(no, own, &position.target.name, members && guest)
        }
    }
}

/// The rule that says no, as the page's first sentence; `guest` says that it is for members, and the person is none.
fn rule(no: &No, own: bool, name: &str, guest: bool) -> String {
    match no {
        No::Holds { .. } if own => "You have it already.".into(),
        No::Holds { .. } => format!("{name} has it already."),
        No::Open { .. } => "A request for it is open already.".into(),
        No::CatalogOff => {
            "Its catalog is switched off, so nothing of it can be requested at the moment.".into()
        }
        No::NoPolicy => {
            "No policy of it is switched on, so nobody can request it at the moment.".into()
        }
        No::NotForGuests if own => {
            "Its catalog is not for guests, and you are here as a guest.".into()
        }
        No::NotForGuests => {
            format!("Its catalog is not for guests, and {name} is here as a guest.")
        }
        No::NotYours { manager: true } if own => {
            "It is meant for people like you, but your manager requests it for you.".into()
        }
        No::NotYours { .. } if own => {
            "It is meant for people like you, but its policy does not let you request it yourself."
                .into()
        }
        No::NotYours { .. } => {
            format!("Its policy does not let you request it for {name}.")
        }
        No::Left => format!("{name} is no longer here."),
        _ if guest && own => {
            "It is for members of the organization, and you are here as a guest.".into()
        }
        _ if guest => {
            format!("It is for members of the organization, and {name} is here as a guest.")
        }
        _ if own => "You are not among the people and groups that its policies name.".into(),
        _ => format!("{name} is not among the people and groups that its policies name."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b08_the_reason_names_the_rule_that_says_no() {
        let said = |no, guest| rule(&no, true, "", guest);
        assert!(said(No::CatalogOff, false).contains("switched off"));
        assert!(said(No::NoPolicy, false).contains("No policy"));
        assert!(said(No::NotForGuests, true).contains("not for guests"));
        assert!(said(No::OutOfScope, true).contains("guest"));
        assert!(said(No::OutOfScope, false).contains("not among"));
        let manager = said(No::NotYours { manager: true }, false);
        assert!(manager.contains("your manager requests it for you"));
        let other = rule(&No::OutOfScope, false, "Bo", false);
        assert!(other.starts_with("Bo is not among"));
    }
}
