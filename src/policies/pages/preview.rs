//! What a policy would mean, before it is saved (D20).

use askama::Template;

use super::edit::action;
use crate::catalogs::store::catalog;
use crate::error::Result;
use crate::kernel::text::counted;
use crate::packages::model::Detail;
use crate::policies::forms::Draft;
use crate::policies::model::{Policy, Terms};
use crate::policies::reach::{self, Difference, Reach, Side};
use crate::policies::rules::named;
use crate::policies::store::{self, Hanging};
use crate::web::{Cx, Form, Place, Reply, Shell};

#[derive(Template)]
#[template(path = "policies/preview.html")]
struct PreviewPage {
    shell: Shell,
    detail: Detail,
    policy: Option<Policy>,
    name: String,
    /// Everything typed, for the next step.
    kept: Vec<(String, String)>,
    difference: Difference,
    reach: Reach,
    hanging: Hanging,
    warnings: Vec<String>,
}

impl PreviewPage {
    fn action(&self) -> String {
        action(&self.detail, self.policy.as_ref())
    }

    fn renamed(&self) -> Option<&str> {
        self.policy.as_ref().map(|p| p.name.as_str()).filter(|name| *name != self.name)
    }

    fn people(n: usize) -> String {
        counted(i64::try_from(n).unwrap_or(i64::MAX), "person", "people")
    }

    fn rest(side: &Side) -> usize {
        side.count - side.names.len()
    }

    fn requests(&self) -> String {
        some(self.hanging.requests, "open request", "open requests")
    }

    fn assignments(&self) -> String {
        some(self.hanging.assignments, "active assignment", "active assignments")
    }
}

/// "3 open requests", "No open requests".
fn some(n: i64, one: &str, many: &str) -> String {
    if n == 0 { format!("No {many}") } else { counted(n, one, many) }
}

/// The preview. At most eight statements, whatever the number of people.
pub(super) fn draw(
    cx: &Cx,
    detail: Detail,
    policy: Option<Policy>,
    form: &Form,
    draft: Draft,
    mut warnings: Vec<String>,
) -> Result<Reply> {
    let Draft { name, terms, .. } = draft;
    let before = policy.as_ref().map(|p| p.terms.clone());
    let (reach, hanging, guests, on) = cx.read(|db| {
        let catalog = catalog(db, detail.package.catalog)?;
        let others: Vec<Policy> = store::of_package(db, detail.package.id)?
            .into_iter()
            .filter(|other| other.enabled && policy.as_ref().is_none_or(|p| p.id != other.id))
            .collect();
        let others: Vec<&Terms> = others.iter().map(|other| &other.terms).collect();
        let mentioned = others.iter().copied().chain(before.as_ref()).chain([&terms]);
        let groups: Vec<_> = mentioned.flat_map(|terms| named(terms).groups).collect();
        let people = store::everyone(db, &groups)?;
        let reach =
            reach::compare(&people, catalog.for_guests, before.as_ref(), Some(&terms), &others);
        let hanging = match &policy {
            Some(policy) => store::hanging(db, policy.id)?,
            None => Hanging::default(),
        };
        Ok((reach, hanging, catalog.for_guests, catalog.enabled))
    })?;
    if policy.as_ref().is_some_and(|p| !p.enabled) {
        warnings.push("The policy is switched off: nobody can request under it.".into());
    }
    if !on {
        warnings.push("The catalog is switched off: nobody can request anything in it.".into());
    }
    let scope = &terms.scope;
    let outside = scope.all_users || scope.all_organizations || !scope.organizations.is_empty();
    if !guests && outside {
        warnings.push("The catalog is not for guests, so guests cannot request it.".into());
    }
    let difference = reach::difference(before.as_ref(), &terms);
    let title = format!("Preview policy {name} of {} – Catalogs", detail.package.name);
    let shell = cx.shell(title, Place::Catalogs)?;
    let own = |name: &str| name != "csrf" && name != "step";
    let kept = form.pairs().iter().filter(|(name, _)| own(name)).cloned().collect();
    let page =
        PreviewPage { shell, detail, policy, name, kept, difference, reach, hanging, warnings };
    Reply::page(&page)
}
