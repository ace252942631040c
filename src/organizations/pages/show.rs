//! A connected organization: its domains, who answers for it, who its people are.

use askama::Template;

use crate::access::policy;
use crate::error::{Error, Result};
use crate::kernel::text::counted;
use crate::kernel::{Family, OrganizationId};
use crate::organizations::model::{Organization, People, Sponsor};
use crate::organizations::store;
use crate::web::{Cx, Form, Place, Reply, Shell};

/// As many people as are shown by name.
const PEOPLE: i64 = 20;

#[derive(Template)]
#[template(path = "organizations/show.html")]
struct ShowPage {
    shell: Shell,
    organization: Organization,
    people: People,
    manages: bool,
}

impl ShowPage {
    /// True where nobody who is there answers for its people.
    fn alone(&self) -> bool {
        !self.organization.sponsors.iter().any(|sponsor| sponsor.there)
    }

    fn note(sponsor: &Sponsor) -> &'static str {
        match (sponsor.there, sponsor.guest) {
            (false, _) => "has left",
            (true, true) => "a guest",
            (true, false) => "",
        }
    }

    fn count(&self) -> String {
        counted(self.people.all, "person", "people")
    }

    /// Where its history is read.
    fn log(&self) -> String {
        let asked = Form::of([("family", Family::Setup.as_str()), ("q", &self.organization.name)]);
        format!("/audit?{}", asked.encoded())
    }

    /// How many are not shown by name.
    fn more(&self) -> i64 {
        self.people.all - i64::try_from(self.people.first.len()).unwrap_or(0)
    }
}

pub(super) fn show(cx: &mut Cx) -> Result<Reply> {
    let actor = cx.actor().ok_or(Error::Missing)?;
    policy::see_organizations(actor)?;
    let manages = policy::manage_organizations(actor).is_ok();
    let id: OrganizationId = cx.id("id")?;
    let (organization, people) =
        cx.read(|db| Ok((store::organization(db, id)?, store::people(db, id, PEOPLE)?)))?;
    let title = format!("{} – Connected organizations", organization.name);
    let shell = cx.shell(title, Place::Catalogs)?;
    Reply::page(&ShowPage { shell, organization, people, manages })
}
