//! All connected organizations.

use askama::Template;

use crate::access::policy;
use crate::error::{Error, Result};
use crate::kernel::text::{counted, folded};
use crate::organizations::model::Line;
use crate::organizations::store;
use crate::web::listing::{Listing, PAGE};
use crate::web::paging::page;
use crate::web::words::and_list;
use crate::web::{Cx, Place, Reply, Shell};

const LIMIT: usize = 50;

#[derive(Template)]
#[template(path = "organizations/list.html")]
struct ListPage {
    shell: Shell,
    rows: Vec<Line>,
    listing: Listing,
    manages: bool,
}

impl ListPage {
    fn domains(line: &Line) -> String {
        and_list(&line.domains, 2)
    }

    fn people(line: &Line) -> String {
        counted(line.people, "person", "people")
    }
}

pub(super) fn show(cx: &mut Cx) -> Result<Reply> {
    let actor = cx.actor().ok_or(Error::Missing)?;
    policy::see_organizations(actor)?;
    let manages = policy::manage_organizations(actor).is_ok();
    let at = cx.cursor::<String>(PAGE)?;
    let limit = i64::try_from(LIMIT + 1).unwrap_or(i64::MAX);
    let rows = cx.read(|db| store::lines(db, at.as_ref(), limit))?;
    let page = page(rows, LIMIT, at.as_ref(), |line| (folded(&line.called.name), line.called.id.0));
    let mut listing = Listing::under(cx, &page, "organization", "organizations");
    listing.csv = None;
    let shell = cx.shell("Connected organizations – Catalogs", Place::Catalogs)?;
    Reply::page(&ListPage { shell, rows: page.rows, listing, manages })
}
