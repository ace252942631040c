//! A package, the one who asks, and the one for whom: what every page of a request stands on.

use crate::access::policy;
use crate::error::{Error, Refusal, Result};
use crate::kernel::{PackageId, PersonId};
use crate::policies::model::{Policy, Terms, Who};
use crate::requests::commands;
use crate::requests::drafts::{self, Draft};
use crate::requests::eligibility::No;
use crate::requests::forms::AskForm;
use crate::requests::prospect::{Prospect, prospect};
use crate::requests::veil::prospective;
use crate::requests::words::{self, Decides};
use crate::web::Cx;

/// See the head of this file.
pub struct Case {
    /// What is known of the package, and how the two stand to it.
    pub ask: Prospect,
    /// What was filled in before and kept.
    pub draft: Option<Draft>,
}

/// For whom a page is: `?for=`, or the reader.
///
/// # Errors
/// `Missing` when it names nobody.
pub fn target(cx: &Cx) -> Result<PersonId> {
    match cx.query("for") {
        "" => Ok(cx.person()?.id),
        text => text.parse().map_err(|_| Error::Missing),
    }
}

impl Case {
    /// Reads it for the page's `?for=`.
    ///
    /// # Errors
    /// `Missing` where the reader may not ask for this person, or not know of the package: the two look alike (E28, E29).
    pub fn open(cx: &Cx, id: PackageId) -> Result<Self> {
        let (me, target) = (cx.person()?.id, target(cx)?);
        let (ask, draft) =
            cx.read(|db| Ok((prospect(db, me, target, id)?, drafts::one(db, me, target, id)?)))?;
        policy::request_access(cx.actor().ok_or(Error::Missing)?, &ask.position.standing())?;
        if ask.position.visible() { Ok(Self { ask, draft }) } else { Err(Error::Missing) }
    }

    /// The package.
    #[must_use]
    pub fn package(&self) -> PackageId {
        self.ask.position.package
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.ask.position.package_name
    }

    /// Who asks.
    #[must_use]
    pub fn requestor(&self) -> PersonId {
        self.ask.position.requestor.id
    }

    /// For whom.
    #[must_use]
    pub fn target(&self) -> &Who {
        &self.ask.position.target
    }

    /// The name of somebody else for whom it is.
    #[must_use]
    pub fn other(&self) -> Option<String> {
        (self.requestor() != self.target().id).then(|| self.target().name.clone())
    }

    /// "?for=ID" where it is for somebody else.
    #[must_use]
    pub fn query(&self) -> String {
        query(self.requestor(), self.target().id)
    }

    /// The address of the form, or of a page below it.
    #[must_use]
    pub fn page(&self, below: &str) -> String {
        format!("/packages/{}/request{below}{}", self.package(), self.query())
    }

    /// The address of the package's page.
    #[must_use]
    pub fn package_href(&self) -> String {
        format!("/packages/{}{}", self.package(), self.query())
    }

    /// "Request Ledger", "Request Ledger for Asha Rao".
    #[must_use]
    pub fn title(&self) -> String {
        match self.other() {
            Some(name) => format!("Request {} for {name} – Browse", self.name()),
            None => format!("Request {} – Browse", self.name()),
        }
    }

    /// The policy that the form is for: the only one, or the one that was chosen of several (D17).
    #[must_use]
    pub fn choose(&self, form: &AskForm) -> Option<&Policy> {
        match self.ask.policies().as_slice() {
            [only] => Some(only),
            several => several.iter().copied().find(|policy| Some(policy.id) == form.policy),
        }
    }

    /// Why it cannot be requested.
    #[must_use]
    pub fn refusal(&self) -> Refusal {
        let no = self.ask.position.no.clone().unwrap_or(No::OutOfScope);
        commands::refusal(&no, &self.ask.position)
    }

    /// Who would decide under a policy.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn decides(&self, cx: &Cx, policy: &Policy) -> Result<Vec<Decides>> {
        self.decides_under(cx, &policy.terms)
    }

    /// Who would decide under these terms.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn decides_under(&self, cx: &Cx, terms: &Terms) -> Result<Vec<Decides>> {
        let (me, target, catalog) = (self.requestor(), self.target().id, self.ask.position.catalog);
        let found = cx.read(|db| prospective(db, terms, cx.person()?, target, catalog))?;
        let mut all = words::decides(terms, &found);
        if me != target {
            // "As your manager" would be the reader's.
            for (said, found) in all.iter_mut().zip(&found) {
                let first = found.as_ref().and_then(|found| found.people.first());
                said.why = first.map_or("", |person| person.via.words());
            }
        }
        Ok(all)
    }
}

/// "?for=ID" where it is for somebody else than the one who asks.
#[must_use]
pub fn query(requestor: PersonId, target: PersonId) -> String {
    if requestor == target { String::new() } else { format!("?for={target}") }
}
